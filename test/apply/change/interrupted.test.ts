import { takeLock } from "../../../src/apply/state/lock.ts";
import { expect, test } from "../../support/test.ts";
import { apply, objectsIn, PRUNE, stateOf, WAYS } from "../applying.ts";
import { openConnection } from "../state/connection.ts";

const queues = (count: number) => `
exchanges: { x: { type: topic } }
queues:
${Array.from({ length: count }, (_, n) => `  q${n}: { type: classic, bind: { x: "${n}" }, handler: none, deadLetter: none }`).join("\n")}
`;

test.for(WAYS)(
  "over %s, an interrupted apply ends what is under way, and keeps account of it",
  async (way, { vhost }) => {
    const interruption = new AbortController();
    const report = await apply(vhost, queues(60), {
      way,
      interrupted: interruption.signal,
      onProgress: ({ done }) => done === 10 && interruption.abort(),
    });
    expect(report).toMatchObject({ isDone: true, isPartial: true, generation: 1 });
    const made = (await objectsIn(vhost))
      .filter((one) => /^q q\d/.test(one))
      .map((one) => one.slice(2));
    expect(made.length).toBeLessThan(60);
    expect((await stateOf(vhost))?.owned.queues).toEqual(made);
    const waiting = report.entries.filter(({ result }) => result === "deferred");
    expect(waiting.length).toBe(60 - made.length + 60);

    const again = await apply(vhost, queues(60), { way });
    expect(again).toMatchObject({ isDone: true, isPartial: false, generation: 2 });
  },
);

test("interrupted while it waits for the lock, it has changed nothing", async ({ vhost }) => {
  const holder = await openConnection(vhost.url);
  await takeLock(holder, "test", { holder: "somebody", timeoutMs: 0 });
  const interruption = new AbortController();
  const waiting = apply(vhost, queues(1), { interrupted: interruption.signal });
  setTimeout(() => interruption.abort(), 300);
  await expect(waiting).rejects.toMatchObject({
    code: "interrupted",
    message: "interrupted before the first change",
  });
  await holder.close();
  expect(await objectsIn(vhost)).toEqual([]);
});

test("interrupted while it waits for the counts of a queue that is to go, it keeps the queue", async ({
  vhost,
}) => {
  const quorum = `
queues: { q: { handler: none, deadLetter: none }, r: { handler: none, deadLetter: none } }
`;
  await apply(vhost, quorum);
  const interruption = new AbortController();
  const beganAt = performance.now();
  const report = await apply(vhost, "queues: { r: { handler: none, deadLetter: none } }", {
    permissions: PRUNE,
    interrupted: interruption.signal,
    onPlan: () => setTimeout(() => interruption.abort(), 300),
  });
  expect(performance.now() - beganAt).toBeLessThan(6_000);
  expect(report.isPartial).toBe(true);
  expect(await vhost.queueCounts("q")).toEqual({ ready: 0, consumers: 0 });
});

test("told to give up, it ends at once", async ({ vhost }) => {
  const given = new AbortController();
  const applying = apply(vhost, queues(60), {
    signal: given.signal,
    onProgress: ({ done }) => done === 10 && given.abort(),
  });
  await expect(applying).rejects.toMatchObject({
    code: "connection-failed",
    message: expect.stringContaining("given up"),
  });
});
