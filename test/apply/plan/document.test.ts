import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { LiveExchange, LiveQueue } from "../../../src/apply/live.ts";
import {
  assertCurrent,
  fingerprintOf,
  planDocument,
  verifyDocument,
} from "../../../src/apply/plan/document.ts";
import type { LookedAt } from "../../../src/apply/plan/look.ts";
import type { Permissions } from "../../../src/apply/planned.ts";
import {
  binding,
  empty,
  exchange,
  type Given,
  liveBinding,
  liveExchange,
  liveOf,
  livePolicy,
  liveQueue,
  planOf,
  queue,
  stateOf,
} from "./given.ts";
import { exampleOf, rich } from "./rich.ts";

const nothing: Permissions = { prune: false, allowReplace: false, adopt: false };

function lookedAt(given: Given, hash = "of the file"): LookedAt {
  const exclusive = [{ name: "mine", at: { file: "topology.yaml", line: 9, column: 3 } }];
  const [plan, live, state] = [planOf(given), liveOf(given), stateOf(given)];
  return { plan, live, state, hash, exclusive, tookMs: 5 };
}

const given: Given = {
  desired: {
    exchanges: [exchange("x")],
    queues: [queue("q")],
    bindings: [binding("x", "q", "a")],
  },
  live: [
    liveExchange("x"),
    liveQueue("q", { arguments: {} }),
    liveBinding("x", "q", "a"),
    liveQueue("theirs"),
  ],
  owned: { exchanges: ["x"], queues: ["q"] },
};

test("the document has whatever there is to say, and is read again as it was written", () => {
  const document = planDocument(lookedAt(rich), nothing);
  expect(document).toMatchObject({
    format: 1,
    project: "shop",
    by: "management",
    state: { generation: 14, appliedAt: "2026-08-20T18:02:00.000Z", by: "ci@runner-3" },
    permissions: nothing,
    hasDifferences: true,
    isBlocked: true,
    unchanged: 2,
    others: { exchanges: 1, queues: 0 },
    exclusive: [{ name: "mine", at: { file: "topology.yaml", line: 9, column: 3 } }],
  });
  expect(document.entries.map(({ action, name }) => `${action} ${name}`)).toEqual(
    planOf(rich)
      .entries.filter(({ action }) => action !== "unchanged")
      .map(({ action, name }) => `${action} ${name}`),
  );
  expect(verifyDocument(JSON.stringify(document), "shop")).toEqual(document);
});

test("an entry has its place, values, counts and flags; a binding its parts", () => {
  const { entries } = planDocument(
    lookedAt({ ...given, live: [liveExchange("x"), liveQueue("q", { arguments: {} })] }),
    nothing,
  );
  const common = { at: { file: "topology.yaml", line: 3, column: 5 } };
  expect(entries).toEqual([
    {
      ...common,
      action: "bind",
      kind: "binding",
      name: "x -> q  a",
      differences: [],
      counts: null,
      blocked: null,
      notes: [],
      binding: { source: "x", destination: "q", destinationKind: "queue", key: "a", arguments: {} },
    },
    {
      ...common,
      action: "replace",
      kind: "queue",
      name: "q",
      differences: [{ argument: "x-queue-type", wanted: '"quorum"', live: '"classic"' }],
      counts: empty,
      blocked: { reason: "a queue is replaced on demand alone", flags: ["--allow-replace"] },
      notes: [
        "replace = 9 steps, no loss, messages may be delivered twice",
        "dead-letters here by name: none.  publishes by name: not knowable",
        "a message published by name in the instant of the replacement can be lost, though confirmed",
      ],
      binding: null,
    },
  ]);
});

test.each<[string, string, string]>([
  ["no JSON", "{", "no JSON: "],
  ["another document", "[1]", "JSON that is no plan: it has no format"],
  ["nothing at all", "null", "JSON that is no plan: it has no format"],
  ["a plan to come", '{"format":2}', "a plan of format 2, expected 1"],
  [
    "a plan of another project",
    '{"format":1,"project":"other"}',
    'a plan of project "other", expected "shop"',
  ],
  [
    "a plan that was cut",
    '{"format":1,"project":"shop","permissions":{},"entries":[]}',
    'a plan with "fingerprint" left out',
  ],
])("%s is refused, and it is said why", (_, text, message) => {
  expect(() => verifyDocument(text, "shop")).toThrow(
    expect.objectContaining({
      code: "plan-unreadable",
      message: expect.stringContaining(message),
    }),
  );
});

const busy = { counts: { ...empty, ready: 9, messages: 9 } };
const objects = given.live ?? [];
const without = (name: string) => objects.filter((one) => !("name" in one) || one.name !== name);

test.each<[string, Given]>([
  [
    "messages come and go",
    { ...given, live: [...without("q"), liveQueue("q", { arguments: {}, ...busy })] },
  ],
  ["what is listed comes in another order", { ...given, live: [...objects].reverse() }],
  ["somebody else's queue goes", { ...given, live: without("theirs") }],
  ["and another comes", { ...given, live: [...objects, liveQueue("more"), liveExchange("y")] }],
])("a plan is still good when %s", (_, now) => {
  const document = planDocument(lookedAt(given), nothing);
  expect(() => assertCurrent(document, lookedAt(now))).not.toThrow();
});

const other = (one: LiveQueue | LiveExchange, given: object) => ({ ...one, ...given }) as LiveQueue;
const brokerChanged = "since the plan was made: the broker has other objects";

test.each<[string, Given, string]>([
  [
    "an argument of a queue of the file differs",
    {
      ...given,
      live: [...without("q"), other(liveQueue("q"), { arguments: { "x-max-length": 1 } })],
    },
    brokerChanged,
  ],
  ["an object is gone", { ...given, live: without("q") }, brokerChanged],
  [
    "the user may not see one any more",
    { ...given, live: without("q"), hidden: ["q"] },
    brokerChanged,
  ],
  [
    "somebody has bound a queue of the file",
    { ...given, live: [...objects, liveBinding("amq.topic", "q", "a")] },
    brokerChanged,
  ],
  [
    "somebody has bound to an exchange of the file",
    { ...given, live: [...objects, liveBinding("x", "theirs", "a")] },
    brokerChanged,
  ],
  ["a policy has come", { ...given, live: [...objects, livePolicy("p")] }, brokerChanged],
  ["it is looked at in another way", { ...given, by: "amqp" }, brokerChanged],
  [
    "a replacement was begun",
    { ...given, journal: { queue: "q", phase: "drain" } as never },
    brokerChanged,
  ],
])("a plan is outdated when %s", (_, now, message) => {
  const document = planDocument(lookedAt(given), nothing);
  expect(() => assertCurrent(document, lookedAt(now))).toThrow(
    expect.objectContaining({ code: "plan-outdated", message }),
  );
});

test("a plan is outdated when the file or the state is another, and that is said", () => {
  const document = planDocument(lookedAt(given), nothing);
  expect(() => assertCurrent(document, lookedAt(given, "of another"))).toThrow(
    "since the plan was made: the file wants something else",
  );
  const { owned: _, ...stateless } = given;
  expect(() => assertCurrent(document, lookedAt(stateless))).toThrow(
    "since the plan was made: the state is of generation none, and was 14",
  );
});

test("a fingerprint is the same whatever the flags that the plan was made with", () => {
  const allowed = { prune: true, allowReplace: true, adopt: true };
  expect(fingerprintOf(lookedAt({ ...given, permissions: allowed }))).toEqual(
    fingerprintOf(lookedAt(given)),
  );
});

test("the docs show a document as it is printed, and explain every field of it", () => {
  const document = planDocument(lookedAt(documented), nothing);
  expect(exampleOf("json")).toBe(JSON.stringify(document, null, 2));
  const docs = readFileSync(new URL("../../../docs/plan.md", import.meta.url), "utf8");
  const fields = [...new Set(keysOf(document))].filter((key) => !key.startsWith("x-"));
  expect(fields.filter((key) => !docs.includes(`\`${key}\``))).toEqual([]);
});

/** With an entry of a queue and one of a binding. */
const documented: Given = {
  ...given,
  live: objects.filter(({ kind }) => kind !== "binding"),
};

function keysOf(value: unknown): readonly string[] {
  if (typeof value !== "object" || value === null) return [];
  const inner = Object.values(value).flatMap(keysOf);
  return Array.isArray(value) ? inner : [...Object.keys(value), ...inner];
}
