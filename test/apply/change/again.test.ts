/** Connections that end in the middle of an apply, by the broker's own error or by the network. */
import { NUMBERS } from "../../../src/numbers.ts";
import { connectionClose, declaredQueue } from "../../support/protocol.ts";
import { expect, test } from "../../support/test.ts";
import type { Vhost } from "../../support/vhost.ts";
import { apply, objectsIn, stateOf } from "../applying.ts";

const NAMES = Array.from({ length: 8 }, (_, n) => `q${n}`);
const topologyOf = (names: readonly string[]) => `
exchanges: { x: { type: topic } }
queues:
${names.map((name) => `  ${name}: { bind: { x: ${name} }, handler: none, deadLetter: none }`).join("\n")}
`;
const WANTED = [
  ...NAMES.map((name) => `q ${name}`),
  "q warren.test.state",
  ...NAMES.map((name) => `x -> ${name} ${name}`),
  "x x",
];

const INTERNAL_ERROR = connectionClose(541, "INTERNAL_ERROR");
/** Flags of a declaration. */
const [DURABLE, PASSIVE] = [2, 3];

type Given = Parameters<typeof apply>[2];

/** Applies all queues, and collects why it is tried again. */
function trying(vhost: Vhost, options: Given) {
  const reasons: string[] = [];
  const onAgain = (reason: string) => void reasons.push(reason);
  return { reasons, applied: apply(vhost, topologyOf(NAMES), { onAgain, ...options }) };
}

const moments = [
  { moment: "it looks", way: "amqp", bytes: declaredQueue("q5", PASSIVE) },
  { moment: "it declares", way: "amqp", bytes: declaredQueue("q5", DURABLE) },
  { moment: "it declares", way: "management", bytes: declaredQueue("q5", DURABLE) },
  { moment: "it binds", way: "management", bytes: Buffer.from("\x02q5\x01x") },
  {
    moment: "it writes its state",
    way: "amqp",
    bytes: declaredQueue("warren.test.state", DURABLE),
  },
] as const;

test.for(moments)(
  "an apply whose connection the broker ends with 541 while $moment ($way) is tried again, and ends as any",
  async ({ way, bytes }, { vhost, proxy }) => {
    proxy.answerBefore(bytes, INTERNAL_ERROR, 2);
    const { applied, reasons } = trying(vhost, { url: proxy.url(vhost.url), way });
    expect(await applied).toMatchObject({ isDone: true, isPartial: false, generation: 1 });
    expect(reasons).toEqual(Array(2).fill(expect.stringMatching(/connection ended.*: .*541/)));
    expect(await objectsIn(vhost)).toEqual(WANTED);
    expect((await stateOf(vhost))?.owned.queues).toEqual(NAMES);
  },
);

test("an apply whose connection is cut is tried again, and has declared everything then", async ({
  vhost,
  proxy,
}) => {
  void proxy.cutBefore(declaredQueue("q5", DURABLE));
  const { applied, reasons } = trying(vhost, { url: proxy.url(vhost.url) });
  expect(await applied).toMatchObject({ isDone: true, generation: 1 });
  expect(reasons).toEqual([expect.stringContaining("the connection ended")]);
  expect(await objectsIn(vhost)).toEqual(WANTED);
});

test("an apply whose every connection ends with 541 gives up after a few tries, and says why", async ({
  vhost,
  proxy,
}) => {
  proxy.answerBefore(declaredQueue("q5", DURABLE), INTERNAL_ERROR, Number.POSITIVE_INFINITY);
  const { applied, reasons } = trying(vhost, { url: proxy.url(vhost.url) });
  await expect(applied).rejects.toMatchObject({
    code: "connection-failed",
    message: expect.stringMatching(/the connection ended .*: .*541/),
  });
  expect(reasons).toHaveLength(NUMBERS.applyTries - 1);
});

test("an apply is not tried again when nobody is told, when it is to blame, or when its plan was agreed to", async ({
  vhost,
  proxy,
}) => {
  const reasons: string[] = [];
  const onAgain = (reason: string) => void reasons.push(reason);
  const cases: readonly (readonly [code: number, options: Given])[] = [
    [541, {}],
    [540, { onAgain }],
    [541, { onAgain, onPlan: () => undefined }],
  ];
  for (const [round, [code, options]] of cases.entries()) {
    const name = `r${round}`;
    proxy.answerBefore(declaredQueue(name, DURABLE), connectionClose(code, "NO"), 1);
    const applied = apply(vhost, topologyOf([name]), { url: proxy.url(vhost.url), ...options });
    await expect(applied).rejects.toMatchObject({ code: "connection-failed" });
  }
  expect(reasons).toEqual([]);
});

test("a replacement whose connection ends in the middle is gone on with by the next try", async ({
  vhost,
  client,
  proxy,
}) => {
  const replaced = (argument: string) => `
queues: { q: { type: classic, handler: none, deadLetter: none, ${argument} } }
`;
  await apply(vhost, replaced("ttl: 1d, allowLoss: true"));
  for (let id = 0; id < 20; id++) await client.publish("", "q", { id });
  proxy.answerBefore(declaredQueue("q", DURABLE), INTERNAL_ERROR, 1);
  const reasons: string[] = [];
  const report = await apply(vhost, replaced("ttl: 2d, allowLoss: true"), {
    url: proxy.url(vhost.url),
    permissions: { prune: false, allowReplace: true, adopt: false },
    resume: true,
    onAgain: (reason) => void reasons.push(reason),
  });
  expect(report).toMatchObject({ isDone: true, isPartial: false });
  expect(reasons).toHaveLength(1);
  const ids = (await client.peek("q")).map(({ body }) => (JSON.parse(body) as { id: number }).id);
  expect(new Set(ids)).toEqual(new Set(Array.from({ length: 20 }, (_, id) => id)));
  expect((await stateOf(vhost))?.journal).toBeNull();
});
