import { expect, test } from "vitest";
import type { LiveBinding, LiveExchange } from "../../../src/apply/live.ts";
import type { Found, FoundQueue } from "../../../src/apply/transfer/found.ts";
import { draftTopology } from "../../../src/commands/import-draft.ts";
import { load } from "../../../src/loader/load.ts";
import type { Arguments, Topology } from "../../../src/topology.ts";

const head = { project: "p", broker: { url: "amqp://127.0.0.1" } };

function foundOf(some: Partial<Found>): Found {
  return {
    ...{ vhost: "/", origin: "a test", exchanges: [], queues: [], bindings: [], policies: [] },
    ...{ unmanaged: [], unseen: [], placeOf: null },
    ...some,
  };
}

function exchange(name: string, type = "topic", args: Arguments = {}): LiveExchange {
  const flags = { durable: true, autoDelete: false, internal: false };
  return { kind: "exchange", name, type, ...flags, arguments: args };
}

function queue(name: string, args: Arguments = {}): FoundQueue {
  const flags = { durable: true, autoDelete: false, exclusive: false };
  return { kind: "queue", name, ...flags, arguments: { "x-queue-type": "classic", ...args } };
}

function binding(source: string, destination: string, key: string, args = {}): LiveBinding {
  const ends = { source, destination, destinationKind: "queue" } as const;
  return { kind: "binding", ...ends, key, arguments: args, propertiesKey: null };
}

function draftOf(some: Partial<Found>) {
  return draftTopology({ found: foundOf(some), head, file: "topology.yaml", env: {} });
}

function loaded(text: string): Topology {
  // Beside no schemas.
  const result = load({ file: "nowhere/topology.yaml", env: {}, text });
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result.topology;
}

/** What YAML or JavaScript would take for something else. */
const strange = [
  ...["__proto__", "constructor", "toString", "~", "null", "true", "yes", "no", "1", "1e3", "0x1f"],
  ...["1_000", "2001-01-01", ".inf", ".nan", "a: b", "#", " #x", "a #b", "*", "&a", "!t", "? x"],
  ...["- x", "-", "|", ">", "%", "@a", "`", "{", "}", "[", "]", ",", "'q'", '"', "\\", " lead"],
  ...[
    "trail ",
    "é",
    "日本 🐇",
    "a\u2028b",
    "a\u00a0b",
    "\ufeffa",
    "=",
    "~/1",
    "a/b",
    "x".repeat(255),
  ],
];

test("every name is read back as it was, whatever YAML or JavaScript would take it for", () => {
  const draft = draftOf({
    exchanges: strange.map((name) => exchange(name)),
    queues: strange.map((name) => queue(name)),
    bindings: strange.map((name) => binding(name, name, name)),
  });
  expect(draft.exceptions).toEqual({ external: [], leftOut: [] });
  const { exchanges, queues, bindings } = loaded(draft.text);
  expect(Object.keys(exchanges).sort()).toEqual([...strange].sort());
  expect(Object.keys(queues).sort()).toEqual([...strange].sort());
  const ends = bindings.map(({ source, destination, key }) => [source, destination, key]);
  expect(ends.sort()).toEqual(strange.map((name) => [name, name, name]).sort());
});

test("a name that no file can have is left out, and no text of others ends a comment", () => {
  const { text, exceptions } = draftOf({
    vhost: "a\nqueues: 1",
    origin: "b\r\nc",
    queues: [
      queue("<<"),
      queue("a\nb"),
      queue("\ud800"),
      queue("warren.x"),
      queue("${X}"),
      queue("fine"),
    ],
    unmanaged: [{ kind: "users", count: 1, names: ["x\ny: 1"] }],
    unseen: ["z\nversion: 2"],
  });
  expect(exceptions).toEqual({
    external: [],
    leftOut: [
      'queue "<<": YAML takes << for something else',
      'queue "a\\nb": the name "a\\nb" has a control character',
      'queue "\\ud800": the name "\\ud800" is not well-formed Unicode',
      'queue "warren.x": its name belongs to warren',
      'queue "${X}": no variable may stand here: ${X}',
    ],
  });
  expect(Object.keys(loaded(text).queues)).toEqual(["fine"]);
});

test("defaults are what most queues have, and the others say what they have", () => {
  const letter = (name: string, exchange = "dead") => ({
    ...{ "x-dead-letter-exchange": exchange, "x-dead-letter-routing-key": name },
  });
  const quorum = { "x-queue-type": "quorum" };
  const { text } = draftOf({
    exchanges: [exchange("dead", "fanout"), exchange("other", "fanout")],
    queues: [
      queue("a", { ...quorum, ...letter("a") }),
      queue("b", { ...quorum, ...letter("b") }),
      queue("c", letter("c")),
      queue("d", letter("d", "other")),
      queue("e", { "x-dead-letter-exchange": "dead" }),
      queue("f", letter("else")),
      queue("g"),
      queue("h", { "x-queue-type": "stream" }),
      queue("i"),
    ],
    bindings: [binding("dead", "g", ""), binding("other", "g", "")],
  });
  expect(
    text.slice(text.indexOf("defaults:")),
  ).toBe(`defaults: { type: classic, deadLetter: dead, exact: true }

exchanges:
  dead: { type: fanout }
  other: { type: fanout }

queues:
  a: { type: quorum, handler: none }
  b: { type: quorum, handler: none }
  c: { handler: none }
  d: { handler: none, deadLetter: other }
  e: { handler: none, arguments: { x-dead-letter-exchange: dead } }
  f: { handler: none, deadLetter: { exchange: dead, key: else } }
  g: { bind: [ dead, other ], handler: none, deadLetter: none }
  h: { type: stream, handler: none }
  i: { handler: none, deadLetter: none }
`);
  const args = Object.fromEntries(
    Object.values(loaded(text).queues).map((it) => [it.name, { ...it.arguments }]),
  );
  expect(args).toMatchObject({
    a: { ...quorum, ...letter("a") },
    e: { "x-queue-type": "classic", "x-dead-letter-exchange": "dead" },
    g: { "x-queue-type": "classic" },
  });
});

test("numbers that the file can't tell apart make a queue external, and leave a binding out", () => {
  const double = { "!": "double", value: 5 };
  const { exceptions } = draftOf({
    exchanges: [exchange("x", "headers")],
    queues: [queue("a", { n: { deep: [double] } }), queue("b")],
    bindings: [binding("x", "b", "", { "x-match": "all", n: double })],
  });
  expect(exceptions).toEqual({
    external: ['queue "a": its argument "n" is 5.0, which the file can\'t tell from 5'],
    leftOut: [
      'binding "x" → "b" "" {"x-match":"all","n":"5.0"}: its argument "n" is 5.0, which the file can\'t tell from 5',
    ],
  });
});
