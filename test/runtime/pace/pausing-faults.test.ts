import { startRunner } from "../../support/runner.ts";
import { expect, test } from "../../support/test.ts";
import { waitFor } from "../../support/wait-for.ts";

type Job = { readonly id: number };

const topologyOf = (queue: string) => `
defaults: { retry: [50ms, 50ms], deadLetter: dead }
exchanges:
  jobs: { type: topic }
  dead: { type: topic }
queues:
  work: { bind: { jobs: "#" }, handler: work, ${queue} }
  dead_letters: { bind: { dead: "#" }, handler: none, deadLetter: none }
`;
const COUNT = 120;

const sum = (counts: readonly number[]) => counts.reduce((all, count) => all + count, 0);

/** How often the number is there that is there most often. */
const mostAlike = (numbers: readonly number[]) =>
  Math.max(...numbers.map((one) => numbers.filter((it) => it === one).length));

for (const kind of ["type: quorum", "type: classic", "type: quorum, ordered: true"]) {
  test(`with a rate, a breaker and connections that are cut every message ends as its policy says (${kind})`, async ({
    vhost,
    client,
    proxy,
  }) => {
    const handled = new Map<number, number>();
    const attempts = new Map<number, number[]>();
    // Each try that fails lengthens the pause.
    let outage = 12;
    const pace = "rate: 200/s, breaker: { failureRate: 0.5, window: 6, pause: 100ms }";
    const warren = await startRunner({
      url: proxy.url(vhost.url),
      topology: topologyOf(`${kind}, ${pace}`),
      handlers: {
        work: ({ id }: Job, { attempt }) => {
          attempts.set(id, [...(attempts.get(id) ?? []), attempt]);
          // One in eight always fails; and for a while everything does.
          if (id % 8 === 0) throw new Error("poison");
          if (id > 30 && outage-- > 0) throw new Error("outage");
          handled.set(id, (handled.get(id) ?? 0) + 1);
        },
      },
    });
    const ids = Array.from({ length: COUNT }, (_, id) => id);
    await Promise.all(ids.map((id) => client.publish("jobs", "x", { id })));
    const deadCount = async () => (await vhost.queueCounts("dead_letters"))?.ready ?? 0;
    const ended = async () => handled.size + (await deadCount());
    const cuts = [10, 35, 60];
    for (const goal of cuts) {
      await waitFor(async (seen) => seen(await ended()) >= goal, { what: `${goal} ends` });
      proxy.cut();
    }
    const isOver = async () => {
      const dead = (await client.peek("dead_letters")).map(
        ({ body }) => (JSON.parse(body) as Job).id,
      );
      return new Set([...handled.keys(), ...dead]).size >= COUNT;
    };
    await waitFor(isOver, { what: "the end of all" });
    await waitFor(() => warren.runner.status().queues.work?.inFlight === 0, { what: "rest" });
    await vhost.waitForCounts("work", { ready: 0 });
    expect(await warren.stop()).toBe(true);
    expect(warren.log.some(({ message }) => message.startsWith("breaker open"))).toBe(true);
    const dead = await client.peek("dead_letters");
    const buriedIds = dead.map(({ body }) => (JSON.parse(body) as Job).id);
    const buried = new Set(buriedIds);
    for (const id of ids) {
      // A cut between a run and its ack may repeat it: never does a message end in no way at all.
      expect([id, handled.has(id) || buried.has(id)]).toEqual([id, true]);
      if (id % 8 === 0) expect([id, handled.has(id)]).toEqual([id, false]);
      const most = Math.max(...(attempts.get(id) ?? []));
      expect([id, most <= 3]).toEqual([id, true]);
    }
    // What the broker has sent and knows no end of when a connection is cut, it brings once more.
    const inDoubt = cuts.length * (warren.topology.queues.work?.prefetch ?? 0);
    expect(sum(ids.map((id) => mostAlike(attempts.get(id) ?? []) - 1))).toBeLessThanOrEqual(
      inDoubt,
    );
    expect(buriedIds.length - buried.size).toBeLessThanOrEqual(inDoubt);
    expect(dead.every(({ headers }) => headers["x-warren-attempts"] === 3)).toBe(true);
  });
}
