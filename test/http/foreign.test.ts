import { gzipSync } from "node:zlib";
import type { Options } from "amqplib";
import type { Client } from "../support/client.ts";
import { startRunner, type TestHandlers, type TestRunner } from "../support/runner.ts";
import { expect, test } from "../support/test.ts";
import type { Vhost } from "../support/vhost.ts";
import { waitFor } from "../support/wait-for.ts";
import { long, publishRaw, short, startWire } from "./wire.ts";

const topology = `
defaults: { type: TYPE, retry: [100ms], deadLetter: dead }
exchanges:
  books: { type: topic, events: ["book.*"] }
  jobs:  { type: topic }
  dead:  { type: topic }
queues:
  shelf: { bind: { books: "#" }, handler: shelve }
  work:  { bind: { jobs: "#" }, handler: work }
  dead_letters: { bind: { dead: "#" }, handler: none, deadLetter: none }
`;
const events = {
  "book.created": {
    type: "object",
    required: ["id", "title"],
    properties: { id: { type: "string" }, title: { type: "string" } },
  },
};
const TYPES = ["quorum", "classic"] as const;
const nothing = () => undefined;

/** Runs `use` against a runner whose connections and channels have to outlive it. */
async function withRunner(
  { url }: Vhost,
  options: { readonly handlers: TestHandlers; readonly type: string },
  use: (warren: TestRunner) => Promise<void>,
): Promise<void> {
  const wire = await startWire(url);
  const warren = await startRunner({
    url: wire.url,
    topology: topology.replace("TYPE", options.type),
    events,
    handlers: { shelve: nothing, ...options.handlers },
  });
  const start = wire.events.length;
  try {
    await use(warren);
    expect(wire.events.slice(start)).toEqual([]);
  } finally {
    await warren.stop();
    await wire.close();
  }
}

/** A body, and what has to become of it: "handled", or the reason of its dead letter. */
type Foreign = {
  readonly body: string | Buffer;
  readonly becomes: string;
  readonly exchange?: string;
  readonly options?: Options.Publish;
};

const undecodable = (body: string | Buffer, options: Options.Publish = {}): Foreign => ({
  body,
  options,
  becomes: "undecodable",
});
const handled = (body: string, options: Options.Publish = {}): Foreign => ({
  body,
  options,
  becomes: "handled",
});
const event = (body: string, becomes: string): Foreign => ({ body, becomes, exchange: "books" });

/** So many tables in each other. */
function tables(depth: number): object {
  return Array.from({ length: depth }).reduce<object>((inner) => ({ t: inner }), {});
}

const bodies: Readonly<Record<string, Foreign>> = {
  "0 bytes": undecodable(""),
  "no JSON": undecodable("{"),
  "UTF-16": undecodable(Buffer.from('\ufeff{"a":1}', "utf16le")),
  "invalid UTF-8": undecodable(Buffer.from([0x22, 0xff, 0x22])),
  "a byte order mark": undecodable("\ufeff{}"),
  "a lone surrogate": undecodable('"\\ud800"'),
  gzip: undecodable(gzipSync("{}"), { contentEncoding: "gzip" }),
  "gzip, unsaid": undecodable(gzipSync("{}")),
  "JSON, said to be gzip": undecodable("{}", { contentEncoding: "gzip" }),
  "100 levels": undecodable(`${'{"a":'.repeat(100)}{}${"}".repeat(100)}`),
  "49,000 arrays": undecodable("[".repeat(49_000) + "]".repeat(49_000)),
  "1,000 tables in a header": undecodable("{}", { headers: tables(1_000) }),
  "a key __proto__": undecodable('{"__proto__":{"isAdmin":true}}'),
  "4 MiB": handled(JSON.stringify("x".repeat(4 * 1024 * 1024))),
  "2^53+1": handled('{"n":9007199254740993}'),
  "1e999": handled('{"n":1e999}'),
  "another content type": handled("{}", { contentType: "text/plain" }),
  "no event": event("[]", "invalid-event"),
  "another event": event('{"event_type":"book.burned"}', "unexpected-event"),
  "an event named __proto__": event('{"event_type":"__proto__"}', "unexpected-event"),
  "an invalid event": event('{"event_type":"book.created","id":5}', "invalid-event"),
};

test.for(TYPES)(
  "a foreign body in a %s queue is handled once, or parked at once, unseen and as it was",
  async (type, { vhost, client }) => {
    const seen: string[] = [];
    const work: TestHandlers[string] = (_event, { message }) => void seen.push(message.id);
    await withRunner(vhost, { type, handlers: { work, shelve: work } }, async () => {
      for (const [messageId, { exchange = "jobs", body, options }] of Object.entries(bodies)) {
        await client.publish(exchange, "k", body, { messageId, ...options });
      }
      const dead = Object.values(bodies).filter(({ becomes }) => becomes !== "handled");
      await vhost.waitForCounts("dead_letters", { ready: dead.length });
      await waitFor(() => seen.length >= Object.keys(bodies).length - dead.length, {
        what: "the others to be handled",
      });
    });
    const parked = await takeAll(client);
    const fates = Object.fromEntries([
      ...seen.map((id) => [id, "handled"]),
      ...parked.map(({ id, reason, attempts }) => [id, `${reason}, attempt ${attempts}`]),
    ]);
    const expected = Object.entries(bodies).map(([id, { becomes }]) => [
      id,
      becomes === "handled" ? "handled" : `${becomes}, attempt 1`,
    ]);
    expect(fates).toEqual(Object.fromEntries(expected));
    expect(seen.length + parked.length).toBe(expected.length);
    for (const { id, body } of parked) expect(body).toEqual(Buffer.from(bodies[id]?.body ?? ""));
    for (const queue of ["work", "shelf"]) {
      expect(await vhost.queueCounts(queue)).toEqual({ ready: 0, consumers: 0 });
    }
  },
);

const v = (bytes: number) => "v".repeat(bytes);

const properties: Readonly<Record<string, Options.Publish>> = {
  __proto__: { headers: JSON.parse('{"__proto__":{"isAdmin":true}}') },
  "__proto__ of a table": { headers: { t: JSON.parse('{"__proto__":{"isAdmin":true}}') } },
  "long integers": { headers: { a: { "!": "long", value: "9007199254740993" }, b: -(2 ** 62) } },
  "every type": {
    headers: {
      t: { "!": "timestamp", value: 2 ** 53 },
      d: { "!": "decimal", value: { places: 255, digits: 2 ** 32 - 1 } },
      f: { "!": "float", value: 0.1 },
      x: Buffer.from([0xff, 0]),
      n: null,
      a: [1, [2, { b: true }]],
    },
  },
  "60 KB in a header": { headers: { h: v(60_000) } },
  "64 KiB of headers": { headers: { h: v(65_536 - 11) } },
  "4,000 headers": {
    headers: Object.fromEntries(Array.from({ length: 4_000 }, (_, n) => [`h${n}`, "v"])),
  },
  "60 tables in each other": { headers: tables(60) },
  "x-death": { headers: { "x-death": ["a"], "x-first-death-queue": 5 } },
  "an x-death of the queue": {
    headers: { "x-death": [{ count: 999, queue: "work", exchange: "", reason: "rejected" }] },
  },
  "warren's own headers": {
    headers: {
      "x-warren-attempt": 999,
      "x-warren-exchange": { a: 1 },
      "x-warren-publish": 1,
      "x-warren-reason": "rejected",
    },
  },
  "CC and BCC": { CC: ["other"], BCC: ["another"], headers: {} },
  "every property": {
    contentType: "é".repeat(127),
    correlationId: "\u0000\r\n",
    type: v(255),
    appId: "",
    timestamp: 2 ** 53,
    priority: 255,
    replyTo: "nowhere",
    userId: "guest",
    expiration: 60_000,
  },
};

/** A header `h` whose value is a table that names itself by amqplib's word for a typed value. */
const typed = (type: string, value: string) =>
  field(
    "h",
    "F",
    long(Buffer.concat([field("!", "S", long(type)), field("value", "S", long(value))])),
  );

const field = (name: string, type: string, value: Buffer) =>
  Buffer.concat([short(name), Buffer.from(type), value]);
const headers = (content: Buffer) => Buffer.concat([Buffer.from([0x20, 0]), long(content)]);

const raw: Readonly<Record<string, Buffer>> = {
  "a table that calls itself a byte": headers(typed("byte", "9999")),
  "a table that calls itself unheard of": headers(typed("?", "")),
  "a table that calls itself a double": headers(typed("double", "Infinity")),
  "the same in a prototype": headers(
    field("t", "F", long(field("__proto__", "F", long(typed("double", "Infinity"))))),
  ),
  "an id in invalid UTF-8": Buffer.concat([Buffer.from([0, 0x80]), short(Buffer.alloc(255, 0xff))]),
  "a header in invalid UTF-8": headers(field("h", "S", long(Buffer.alloc(300, 0xff)))),
  "a header without a name": headers(field("", "V", Buffer.alloc(0))),
  "the latest timestamp": Buffer.from([0, 0x40, ...Buffer.alloc(8, 0xff)]),
  "a type in invalid UTF-8": Buffer.concat([
    Buffer.from([0, 0x20]),
    short(Buffer.alloc(255, 0xff)),
  ]),
  "a content type in invalid UTF-8": Buffer.concat([
    Buffer.from([0x80, 0]),
    short(Buffer.alloc(255, 0xff)),
  ]),
};

test.for(TYPES)(
  "what a handler of a %s queue throws for has its two attempts, whatever its properties are",
  async (type, { vhost, client }) => {
    const attempts = new Map<string, number[]>();
    const work: TestHandlers[string] = ({ id }: { id: string }, { attempt, message }) => {
      attempts.set(id, [...(attempts.get(id) ?? []), attempt]);
      expect([message.exchange, message.routingKey]).toEqual(["jobs", "k"]);
      throw new Error("always");
    };
    const ids = [...Object.keys(properties), ...Object.keys(raw)];
    await withRunner(vhost, { type, handlers: { work } }, async () => {
      for (const [id, options] of Object.entries(properties)) {
        await client.publish("jobs", "k", { id }, options);
      }
      for (const [id, bytes] of Object.entries(raw)) {
        const body = JSON.stringify({ id });
        const message = { exchange: "jobs", routingKey: "k", properties: bytes, body };
        await publishRaw(vhost.url, message);
      }
      await vhost.waitForCounts("dead_letters", { ready: ids.length });
    });
    expect(Object.fromEntries(attempts)).toEqual(Object.fromEntries(ids.map((id) => [id, [1, 2]])));
    const parked = await takeAll(client);
    expect(parked.map(({ body }) => body.toString()).sort()).toEqual(
      ids.map((id) => JSON.stringify({ id })).sort(),
    );
    for (const { reason, attempts: counted } of parked) {
      expect([reason, counted]).toEqual(["handler-failed", 2]);
    }
  },
);

test("a header __proto__ gives the headers that a handler sees no prototype", async ({
  vhost,
  client,
}) => {
  const seen: unknown[] = [];
  const work: TestHandlers[string] = (_event, { message: { headers } }) => {
    seen.push({ isAdmin: headers.isAdmin, prototype: Object.getPrototypeOf(headers), ...headers });
  };
  await withRunner(vhost, { type: "classic", handlers: { work } }, async () => {
    const table = JSON.parse('{"__proto__":{"isAdmin":true},"kept":"v"}');
    await client.publish("jobs", "k", {}, { headers: table });
    await waitFor(() => seen.length === 1, { what: "it to be handled" });
  });
  expect(seen).toEqual([{ isAdmin: undefined, prototype: null, kept: "v" }]);
  expect(({} as { isAdmin?: unknown }).isAdmin).toBeUndefined();
});

type Parked = {
  readonly id: string;
  readonly reason: unknown;
  readonly attempts: unknown;
  readonly body: Buffer;
};

/** Empties the queue of dead letters. */
async function takeAll({ channel }: Client): Promise<readonly Parked[]> {
  const parked: Parked[] = [];
  for (;;) {
    const message = await channel.get("dead_letters", { noAck: true });
    if (message === false) return parked;
    const { content: body, properties } = message;
    const { "x-warren-reason": reason, "x-warren-attempts": attempts } = properties.headers ?? {};
    parked.push({ id: String(properties.messageId), reason, attempts, body });
  }
}
