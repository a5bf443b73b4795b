/** A queue with a rate whose messages are handled once. */
import { Reject } from "../../../src/handler.ts";
import { expect, test } from "../../support/redis.ts";
import { startRunner, type TestRunner } from "../../support/runner.ts";
import { waitFor } from "../../support/wait-for.ts";
import { gate } from "../jobs.ts";

type Job = { readonly id: number };

const topologyOf = (rate: string, type: string) => `
defaults: { retry: [50ms], deadLetter: dead }
exchanges:
  jobs: { type: topic }
  dead: { type: topic }
queues:
  work: { type: ${type}, bind: { jobs: "#" }, handler: work, rate: ${rate}, idempotency: { by: message_id } }
  dead_letters: { bind: { dead: "#" }, handler: none, deadLetter: none }
`;

const duplicatesOf = (runners: readonly TestRunner[]) =>
  runners.reduce((sum, { runner }) => sum + (runner.status().queues.work?.duplicates ?? 0), 0);

for (const type of ["quorum", "classic"]) {
  test(`of two runners with a rate one handles each message, once, though it was published twice and may have failed (${type})`, async ({
    vhost,
    client,
    redis,
  }) => {
    const ids = Array.from({ length: 40 }, (_, id) => id);
    const handled: number[] = [];
    const work = ({ id }: Job, { attempt }: { readonly attempt: number }) => {
      if (id % 4 === 0 && attempt === 1) throw new Error("once");
      if (id % 10 === 1) throw new Reject("never");
      handled.push(id);
    };
    const files = { topology: topologyOf("60/s", type), url: vhost.url, store: redis.url };
    const runners = [
      await startRunner({ ...files, handlers: { work } }),
      await startRunner({ ...files, handlers: { work } }),
    ];
    for (const id of [...ids, ...ids]) {
      await client.publish("jobs", "x", { id }, { messageId: `m${id}` });
    }
    const wanted = ids.filter((id) => id % 10 !== 1);
    await waitFor((seen) => seen(handled.length) >= wanted.length, { what: "all runs" });
    await waitFor((seen) => seen(duplicatesOf(runners)) >= wanted.length, { what: "the others" });
    await vhost.waitForCounts("work", { ready: 0 });
    for (const runner of runners) expect(await runner.stop()).toBe(true);
    expect(handled.sort((a, b) => a - b)).toEqual(wanted);
  });
}

test("a run that outlasts the pauses of its rate keeps its message, and its repetition waits for it", async ({
  vhost,
  client,
  redis,
}) => {
  const { opened, open } = gate();
  const begun: number[] = [];
  const work = async ({ id }: Job) => {
    begun.push(id);
    if (id === 0) await opened;
  };
  const files = { topology: topologyOf("55/m", "quorum"), url: vhost.url, store: redis.url };
  const runners = [
    await startRunner({ ...files, handlers: { work } }),
    await startRunner({ ...files, handlers: { work } }),
  ];
  for (const id of [0, 0, 1, 1, 2, 2]) {
    await client.publish("jobs", "x", { id }, { messageId: `m${id}` });
  }
  const pauses = new Set<string>();
  const isOften = (seen: <T>(value: T) => T) => {
    for (const { runner } of runners) {
      for (const { since } of runner.status().queues.work?.pauses ?? []) pauses.add(since);
    }
    return seen(pauses.size) >= 6;
  };
  await waitFor(isOften, { what: "the pauses of the rate" });
  expect(begun.filter((id) => id === 0)).toEqual([0]);
  open();
  await waitFor(() => duplicatesOf(runners) === 3, { what: "the end of the repetition" });
  await vhost.waitForCounts("work", { ready: 0 });
  for (const runner of runners) expect(await runner.stop()).toBe(true);
  expect(begun.toSorted()).toEqual([0, 1, 2]);
});
