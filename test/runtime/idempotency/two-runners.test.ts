import type { HandlerContext } from "../../../src/handler.ts";
import type { Client } from "../../support/client.ts";
import { expect, test } from "../../support/redis.ts";
import { startRunner, type TestRunner } from "../../support/runner.ts";
import { waitFor } from "../../support/wait-for.ts";

const MESSAGES = 10_000;

const topology = `
exchanges: { jobs: { type: topic } }
queues:
  work:
    type: classic
    bind: { jobs: "#" }
    handler: work
    concurrency: 200
    deadLetter: none
    idempotency: { by: message_id, ttl: 1h }
`;

/** Each message twice, one right after the other or much later. */
async function publishTwice({ channel }: Client): Promise<void> {
  const publish = (id: number) =>
    channel.publish("jobs", "x", Buffer.from("{}"), { messageId: `m${id}` });
  for (let id = 0; id < MESSAGES; id++) {
    publish(id);
    if (id % 2 === 0) publish(id);
  }
  for (let id = 1; id < MESSAGES; id += 2) publish(id);
  await channel.waitForConfirms();
}

/** How often each message was handled. */
function countRuns() {
  const runs = new Map<string, number>();
  const work = (_event: never, { message }: HandlerContext) => {
    runs.set(message.id, (runs.get(message.id) ?? 0) + 1);
  };
  return { runs, work };
}

test.for([
  { what: "two runners handle each once", kills: [] },
  { what: "and also when Redis is killed in between, and comes back", kills: [0.2, 0.6] },
])(
  "of 10,000 messages that were published twice, $what",
  async ({ kills }, { vhost, client, redis }) => {
    const { runs, work } = countRuns();
    const options = { topology, url: vhost.url, store: redis.url, handlers: { work } };
    const runners = [await startRunner(options), await startRunner(options)];
    const published = publishTwice(client);
    for (const share of kills) {
      await waitFor(() => runs.size > MESSAGES * share, { what: "some runs", everyMs: 1 });
      await redis.kill9();
      expect(runs.size).toBeLessThan(MESSAGES);
      await redis.restart();
    }
    await published;
    await waitFor((seen) => seen(duplicatesOf(runners)) >= MESSAGES, { what: "the duplicates" });
    await vhost.waitForCounts("work", { ready: 0 });
    for (const runner of runners) expect(await runner.stop()).toBe(true);
    expect(runs.size).toBe(MESSAGES);
    expect([...runs].filter(([, count]) => count !== 1)).toEqual([]);
  },
);

function duplicatesOf(runners: readonly TestRunner[]): number {
  return runners.reduce((sum, { runner }) => {
    return sum + (runner.status().queues.work?.duplicates ?? 0);
  }, 0);
}
