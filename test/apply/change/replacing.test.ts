/** How apply replaces queues; what a replacement is, test/apply/replace says. */
import { NO_PERMISSIONS } from "../../../src/apply/change/options.ts";
import { expect, test } from "../../support/test.ts";
import { apply, changesOf, stateOf, WAYS } from "../applying.ts";

const ALLOWED = { ...NO_PERMISSIONS, allowReplace: true };
const topology = (q: string, rest = "") => `
exchanges: { x: { type: topic } }
queues:
  q: { bind: { x: "#" }, handler: none, deadLetter: none, ${q} }
  ${rest}
`;
const OTHER = "r: { type: classic, handler: none, deadLetter: none }";

test.for(WAYS)(
  "over %s, without the flag a queue that differs stops everything, and with it is replaced with its messages",
  async (way, { vhost, client }) => {
    await apply(vhost, topology("type: classic"), { way });
    for (const body of ["1", "2", "3"]) await client.publish("x", "k", body);
    const wanted = topology("type: quorum", OTHER);
    const refused = await apply(vhost, wanted, { way });
    expect(refused).toMatchObject({ isDone: false, generation: 1 });
    expect(changesOf(refused)).toEqual([
      expect.stringMatching(/^conflict queue q: .*--allow-replace/),
    ]);
    expect(await vhost.queueCounts("r")).toBeUndefined();

    const report = await apply(vhost, wanted, { way, permissions: ALLOWED });
    expect(report).toMatchObject({ isDone: true, isPartial: false, generation: 2 });
    expect(changesOf(report)).toEqual(["created queue r", "replaced queue q: 3 messages moved"]);
    expect((await vhost.peek("q")).map(({ body }) => body)).toEqual(["1", "2", "3"]);
    expect((await stateOf(vhost))?.journal).toBeNull();
    expect(changesOf(await apply(vhost, wanted, { way }))).toEqual([]);
  },
);

test("one of somebody else is replaced with both flags alone, and is this project's then", async ({
  vhost,
  client,
}) => {
  await client.channel.assertQueue("q", { arguments: { "x-queue-type": "classic" } });
  await client.publish("", "q", "kept");
  const wanted = topology("type: classic, ttl: 1h");
  const refused = await apply(vhost, wanted, { permissions: ALLOWED });
  expect(changesOf(refused)).toEqual([expect.stringMatching(/^conflict queue q: .*--adopt/)]);
  const report = await apply(vhost, wanted, { permissions: { ...ALLOWED, adopt: true } });
  expect(changesOf(report)).toEqual([
    "created exchange x",
    "created binding x -> q  #",
    expect.stringMatching(
      /^replaced queue q: 1 message moved; 1 message had come by the queue's name/,
    ),
  ]);
  expect((await stateOf(vhost))?.owned.queues).toEqual(["q"]);
});

test("interrupted in the middle it is left to do, and the next apply goes on with it whatever its flags", async ({
  vhost,
  client,
}) => {
  await apply(vhost, topology("type: classic", OTHER));
  for (let n = 0; n < 50; n++) await client.publish("x", "k", { n });
  const interruption = new AbortController();
  const wanted = topology("type: quorum");
  const report = await apply(vhost, wanted, {
    permissions: ALLOWED,
    interrupted: interruption.signal,
    onProgress: ({ what }) => what.includes("draining") && interruption.abort(),
  });
  expect(report.isPartial).toBe(true);
  expect(changesOf(report)).toEqual([
    expect.stringMatching(/^deferred queue q: .*interrupted at step 4 of 9/),
    "kept queue r: made by warren, not in the file: needs --prune",
  ]);
  expect((await stateOf(vhost))?.journal).toMatchObject({ queue: "q", phase: "draining" });

  const passive = await apply(vhost, wanted);
  expect(passive).toMatchObject({ isDone: true, isPartial: true });
  const waits = 'waits for the replacement of queue "q", which was interrupted';
  expect(changesOf(passive)[0]).toBe(`deferred queue q: ${waits}`);

  const resumed = await apply(vhost, wanted, { resume: true });
  expect(resumed).toMatchObject({ isDone: true, isPartial: false });
  expect(changesOf(resumed)[0]).toMatch(/^replaced queue q: gone on with: \d+ messages? moved/);
  const bodies = new Set((await vhost.peek("q")).map(({ body }) => body));
  expect(bodies.size).toBe(50);
  expect((await stateOf(vhost))?.journal).toBeNull();
});

test("a queue that can't be replaced at that moment is kept, and the rest is done", async ({
  vhost,
  client,
}) => {
  await apply(vhost, topology("type: classic"));
  const report = await apply(vhost, topology("type: quorum", OTHER), {
    permissions: ALLOWED,
    // After the plan, and before its replacement.
    onPlan: () => void client.channel.consume("q", () => undefined),
  });
  expect(report).toMatchObject({ isDone: true, isPartial: true });
  expect(changesOf(report)).toEqual([
    "created queue r",
    expect.stringMatching(/^kept queue q: .*consumer/),
  ]);
});
