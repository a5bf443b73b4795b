/** Queues that are replaced while a runner consumes them. */
import { applyTopology } from "../../../src/apply/change/apply.ts";
import { loadTopology, startRunner } from "../../support/runner.ts";
import { expect, test } from "../../support/test.ts";
import { waitFor } from "../../support/wait-for.ts";
import { untilReady } from "../running.ts";

const topologyOf = (queue: string) => `
exchanges:
  jobs: { type: topic }
  dead: { type: topic }
queues:
  work: { bind: { jobs: "#" }, handler: work, deadLetter: dead, retry: [500ms], ${queue} }
  dead_letters: { bind: { dead: "#" }, handler: none, deadLetter: none }
`;
const permissions = { prune: false, allowReplace: true, adopt: false };

type Job = { readonly id: number };

const changes = [
  ["type: quorum", "type: quorum, ttl: 1h"],
  ["type: classic", "type: classic, maxPriority: 5"],
  ["type: classic", "type: quorum"],
] as const;

for (const [before, after] of changes) {
  test(`a runner goes on while its queue is replaced (${before} to ${after})`, async ({
    vhost,
    client,
  }) => {
    const { url, managementUrl: management } = vhost;
    const handled = new Map<number, number>();
    const handlers = {
      work: async ({ id }: Job, { attempt }: { readonly attempt: number }) => {
        if (id % 10 === 0 && attempt === 1) throw new Error("once");
        handled.set(id, (handled.get(id) ?? 0) + 1);
      },
    };
    const files = { url, management, handlers };
    const warren = await startRunner({ ...files, topology: topologyOf(before) });
    let [sent, isOver] = [0, false];
    const load = (async () => {
      while (!isOver) await client.publish("jobs", "x", { id: ++sent });
    })();
    await waitFor(() => handled.size > 100, { what: "load" });
    const topology = await loadTopology({ ...files, topology: topologyOf(after) });
    const report = await applyTopology(topology, { permissions, by: "ci@host" });
    const during = handled.size;
    await waitFor(() => handled.size > during + 100, { what: "messages of the new queue" });
    isOver = true;
    await load;
    await waitFor(() => handled.size === sent, { what: "all messages" });
    await untilReady(warren);
    const { body } = await warren.get("/health");
    await warren.stop();
    const repeated = [...handled.values()].filter((times) => times > 1).length;
    console.log(`replaced under load: ${sent} messages, ${repeated} handled twice`);
    expect(report.entries.filter(({ result }) => result === "replaced")).toMatchObject([
      { kind: "queue", name: "work" },
    ]);
    expect(body.queues).toMatchObject({ work: { consumer: "live", pauses: [], inFlight: 0 } });
    expect(await vhost.queueCounts("work")).toEqual({ ready: 0, consumers: 0 });
    expect(await vhost.queueCounts("dead_letters")).toEqual({ ready: 0, consumers: 0 });
    expect(await vhost.queueCounts("work~migrating")).toBeUndefined();
  });
}
