/** Several applies at the same time. */
import { takeLock } from "../../../src/apply/state/lock.ts";
import { startProxy } from "../../support/proxy.ts";
import { expect, test } from "../../support/test.ts";
import { apply, changesOf, objectsIn, stateOf, WAYS } from "../applying.ts";
import { openConnection } from "../state/connection.ts";

const queues = (names: readonly string[]) => `
exchanges: { x: { type: topic } }
queues:
${names.map((name) => `  ${name}: { bind: { x: ${name} }, handler: none, deadLetter: none }`).join("\n")}
`;

test.for(WAYS)(
  "over %s, five at once make one topology, and one of them its state",
  async (way, { vhost }) => {
    const names = ["a", "b", "c", "d"];
    const reports = await Promise.all(
      Array.from({ length: 5 }, () => apply(vhost, queues(names), { way })),
    );
    expect(reports.map(({ isDone, generation }) => ({ isDone, generation }))).toEqual(
      Array.from({ length: 5 }, () => ({ isDone: true, generation: 1 })),
    );
    const created = reports.filter(({ entries }) =>
      entries.some((one) => one.result === "created"),
    );
    expect(created).toHaveLength(1);
  },
);

test.for(WAYS)(
  "over %s, of two different ones the second waits, and its file is in force",
  async (way, { vhost }) => {
    let second: ReturnType<typeof apply> | null = null;
    const first = await apply(vhost, queues(["a", "b"]), {
      way,
      onPlan: () => {
        second ??= apply(vhost, queues(["b", "c"]), { way });
      },
    });
    const reports = [first, await second];
    expect(reports).toMatchObject([
      { isDone: true, generation: 1 },
      { isDone: true, generation: 2 },
    ]);
    expect((await stateOf(vhost))?.owned.bindings.map(({ key }) => key)).toEqual(["b", "c"]);
    expect(await objectsIn(vhost)).toEqual([
      ...["a", "b", "c", "warren.test.state"].map((name) => `q ${name}`),
      "x -> b b",
      "x -> c c",
      "x x",
    ]);
  },
);

test("who waits in vain is told who holds the lock, and since when", async ({ vhost }) => {
  const holder = await openConnection(vhost.url);
  await takeLock(holder, "test", { holder: "ci@runner-3", timeoutMs: 0 });
  const since = /"warren.test.lock" is held by ci@runner-3, since 20\d\d-.*Z, waited for 100 ms/;
  await expect(apply(vhost, queues(["a"]), { lockTimeoutMs: 100 })).rejects.toMatchObject({
    code: "lock-held",
    message: expect.stringMatching(since),
  });
  const unseen = apply(vhost, queues(["a"]), { lockTimeoutMs: 0, way: "amqp" });
  await expect(unseen).rejects.toMatchObject({
    code: "lock-held",
    message: expect.stringContaining("held by another connection"),
  });
  await holder.close();
  expect(await objectsIn(vhost)).toEqual([]);
});

test("a connection that ends in the middle changes nothing more, and says how far it was", async ({
  vhost,
  proxy,
}) => {
  const names = Array.from({ length: 60 }, (_, n) => `q${n}`);
  const cut = apply(vhost, queues(names), {
    url: proxy.url(vhost.url),
    onProgress: ({ done }) => done === 20 && proxy.cut(),
  });
  await expect(cut).rejects.toMatchObject({
    code: "connection-failed",
    message: expect.stringMatching(/the connection ended after \d+ of 121 changes/),
  });
  const report = await apply(vhost, queues(names));
  expect(report.isDone).toBe(true);
  expect((await stateOf(vhost))?.owned.queues).toHaveLength(60);
});

test("what somebody undoes at once does not count as done", async ({ vhost, client }) => {
  const proxy = await startProxy(Number(new URL(vhost.managementUrl).port));
  // The look that follows waits until it is gone.
  const undo = async () => {
    proxy.stall();
    await client.channel.deleteQueue("a");
    proxy.resume();
  };
  let undoing: Promise<void> = Promise.resolve();
  const report = await apply(
    { ...vhost, managementUrl: proxy.url(vhost.managementUrl) },
    "queues: { a: { handler: none, deadLetter: none, type: classic } }",
    {
      onProgress: () => {
        undoing = undo();
      },
    },
  );
  await undoing;
  await proxy.close();
  expect(report.isDone).toBe(false);
  expect(changesOf(report)).toEqual([
    "refused queue a: was changed, and is as before: somebody else changes it too",
  ]);
  expect((await stateOf(vhost))?.owned.queues).toEqual([]);
});
