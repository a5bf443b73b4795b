import { gzipSync } from "node:zlib";
import { startRunner, type TestRunner } from "../support/runner.ts";
import { expect, test } from "../support/test.ts";
import type { Vhost } from "../support/vhost.ts";
import { waitFor } from "../support/wait-for.ts";
import { startWire } from "./wire.ts";

const topology = `
defaults: { type: classic, retry: [100ms], deadLetter: dead }
exchanges:
  books:   { type: topic, events: ["book.*"] }
  content: { type: topic }
  dead:    { type: topic }
queues:
  shelf: { bind: { books: "#" }, handler: shelve }
  work:  { bind: { content: "#" }, handler: work }
  dead_letters: { bind: { dead: "#" }, handler: none, deadLetter: none }
`;
const events = {
  "book.created": {
    type: "object",
    required: ["id", "title"],
    properties: { id: { type: "string" }, title: { type: "string" } },
  },
};
const MIB = 1024 * 1024;

/** @returns the status and, of a refusal, its code: `400 malformed`. */
async function send(
  { url }: TestRunner,
  path: string,
  body: RequestInit["body"],
  headers: Readonly<Record<string, string>> = {},
): Promise<string> {
  const response = await fetch(`${url}${path}`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers, connection: "close" },
    body: body ?? null,
    ...(body instanceof ReadableStream ? { duplex: "half" } : {}),
  } as RequestInit);
  const { code } = (await response.json()) as { readonly code?: string };
  return code === undefined ? String(response.status) : `${response.status} ${code}`;
}

/** A request, and the answer that it has to get. */
type Row = {
  readonly what: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: RequestInit["body"];
  readonly answer: string;
};

/** Sends every row, and a good message after each: what is refused arrives nowhere and ends nothing. */
async function expectAnswers(vhost: Vhost, rows: readonly Row[]): Promise<void> {
  const arrived: unknown[] = [];
  const note = (event: { readonly good?: number }) => void arrived.push(event.good ?? "taken");
  const wire = await startWire(vhost.url);
  const handlers = { work: note, shelve: note };
  const warren = await startRunner({ url: wire.url, topology, events, handlers });
  const start = wire.events.length;
  const answers: Record<string, readonly string[]> = {};
  for (const [good, { what, path = "/publish", body, headers }] of rows.entries()) {
    const answer = await send(warren, path, body, headers);
    answers[what] = [answer, await send(warren, "/publish", wrap("", { message: { good } }))];
  }
  const taken = rows.flatMap(({ answer }, good) => (answer === "202" ? ["taken", good] : [good]));
  await waitFor((seen) => seen(arrived.length) >= taken.length, { what: "the good ones" });
  expect(wire.events.slice(start)).toEqual([]);
  await warren.stop();
  await wire.close();
  expect(answers).toEqual(Object.fromEntries(rows.map((row) => [row.what, [row.answer, "202"]])));
  expect(arrived.map(String).sort()).toEqual(taken.map(String).sort());
  expect(await vhost.queueCounts("dead_letters")).toEqual({ ready: 0, consumers: 0 });
  expect(warren.log.filter(({ level }) => level === "warn" || level === "error")).toEqual([]);
}

/** A body of `POST /publish` whose members are those of `more` (JSON as text), then of `members`. */
function wrap(more: string, members: object = {}): string {
  const all = { exchange: "content", routing_key: "k", message: {}, ...members };
  const extra = more.trim().slice(1, -1).trim();
  return `${JSON.stringify(all).slice(0, -1)}${extra === "" ? "" : `,${extra}`}}`;
}

function refused(more: string, answer = "400 malformed"): Row {
  return { what: more, body: wrap(more), answer };
}

const table = (entries: number, value: string) =>
  JSON.stringify(Object.fromEntries(Array.from({ length: entries }, (_, n) => [`h${n}`, value])));

test("no property that amqplib or the broker ends anything for gets to them", async ({ vhost }) => {
  const values = {
    priority: ["256", "-1", "1.5", "1e999", '"5"', "null", "[1]"],
    expiration: ['"abc"', '"1000"', "-1", "1.5", "1e999", "null", "4294967296"],
    delivery_mode: ["3", "0", '"2"', "1e999", "null"],
    routing_key: [
      `"${"k".repeat(256)}"`,
      `"${"é".repeat(128)}"`,
      '"a\\r\\nb"',
      '"a\\u0000"',
      '"\\ud800"',
      "5",
      "null",
    ],
    message_id: [`"${"i".repeat(256)}"`, `"${"é".repeat(128)}"`, '""', '"a\\nb"', "5", "null"],
    correlation_id: [`"${"c".repeat(256)}"`, `"${"é".repeat(128)}"`, '"\\udc00"', "null"],
    reply_to: ['"amq.rabbitmq.reply-to"', '"work"'],
    user_id: ['"somebody"'],
    timestamp: ["1", '"2026-01-01"'],
    mandatory: ["false"],
    CC: ['"work"', '["work"]'],
    BCC: ['["work"]'],
    type: ['"t"'],
    app_id: ['"a"'],
    content_type: ['"text/plain"'],
    content_encoding: ['"gzip"'],
    "x-death": ['["a"]'],
  };
  const rows = Object.entries(values).flatMap(([name, all]) =>
    all.map((value) => refused(`{"${name}":${value}}`)),
  );
  await expectAnswers(vhost, rows);
});

test("no header that amqplib or the broker ends anything for gets to them", async ({ vhost }) => {
  const headers = [
    '{"n":1e999}',
    '{"n":-1e999}',
    '{"n":{"m":[{"o":1e999}]}}',
    '{"n":1e300}',
    '{"n":9007199254740993}',
    '{"n":1125899906842624.5}',
    '{"n":null}',
    '{"n":[1]}',
    '{"n":{}}',
    '{"n":{"!":"byte","value":9999}}',
    '{"n":{"!":"double","value":"Infinity"}}',
    '{"__proto__":{"isAdmin":true}}',
    '{"\\u005f_proto__":"v"}',
    '{"constructor":"v"}',
    '{"CC":"work"}',
    '{"CC":["work"]}',
    '{"BCC":["work"]}',
    '{"x-death":["a"]}',
    '{"x-death":[{"count":999,"queue":"work","reason":"rejected"}]}',
    '{"x-warren-attempt":999}',
    '{"x-warren-publish":1}',
    '{"":"v"}',
    `{"${"k".repeat(129)}":"v"}`,
    `{"${"k".repeat(256)}":"v"}`,
    `{"${"é".repeat(128)}":"v"}`,
    '{"a\\r\\nb":"v"}',
    '{"n":"a\\r\\nb"}',
    '{"n":"\\ud800"}',
    '{"\\udfff":"v"}',
    `{"n":"${"v".repeat(2048)}"}`,
    table(33, "v"),
    table(40, "v"),
    table(70, "v".repeat(1000)),
    '"text"',
    "[]",
    "null",
  ];
  await expectAnswers(
    vhost,
    headers.map((value) => refused(`{"headers":${value}}`)),
  );
});

test("no body that is no message gets to the broker, whatever it is", async ({ vhost }) => {
  const event = '{"event_type":"book.created","id":"1","title":"t"}';
  const utf16 = (text: string) => Buffer.from(`\ufeff${text}`, "utf16le");
  const broken = (text: string) =>
    Buffer.concat([Buffer.from(text.slice(0, -1)), Buffer.from([0x2c, 0x22, 0xff, 0x22, 0x7d])]);
  const empty = () => new ReadableStream({ start: (controller) => controller.close() });
  const arrays = "[".repeat(49_000) + "]".repeat(49_000);
  const nested = `${'{"a":'.repeat(65)}1${"}".repeat(65)}`;
  const gzip = { "content-encoding": "gzip" };
  const common = (path: string, good: string): Row[] =>
    [
      { what: "empty", body: "", answer: "400 malformed" },
      { what: "empty, in chunks", body: empty(), answer: "400 malformed" },
      { what: "no JSON", body: "{", answer: "400 malformed" },
      { what: "text after JSON", body: `${good} x`, answer: "400 malformed" },
      { what: "NaN", body: '{"n":NaN}', answer: "400 malformed" },
      { what: "invalid UTF-8", body: broken(good), answer: "400 malformed" },
      { what: "UTF-16", body: utf16(good), answer: "400 malformed" },
      { what: "a byte order mark", body: `\ufeff${good}`, answer: "400 malformed" },
      { what: "49,000 arrays", body: arrays, answer: "400 malformed" },
      { what: "gzip", body: gzipSync(good), headers: gzip, answer: "415 unsupported-media-type" },
      { what: "gzip, unsaid", body: gzipSync(good), answer: "400 malformed" },
      {
        what: "said to be UTF-16",
        body: utf16(good),
        headers: { "content-type": "application/json; charset=utf-16" },
        answer: "415 unsupported-media-type",
      },
      {
        what: "text",
        body: good,
        headers: { "content-type": "text/plain" },
        answer: "415 unsupported-media-type",
      },
      { what: "3 MiB", body: "1".repeat(3 * MIB), answer: "413 body-too-large" },
    ].map((row) => ({ ...row, path, what: `${path}: ${row.what}` }));
  const message = (text: string) => `{"exchange":"content","routing_key":"k","message":${text}}`;
  const own = (what: string, text: string): Row[] => [
    { what: `message: ${what}`, body: message(text), answer: "400 malformed" },
    { what: `event: ${what}`, path: "/publish/book", body: text, answer: "400 malformed" },
  ];
  await expectAnswers(vhost, [
    ...common("/publish", message("{}")),
    ...common("/publish/book", event),
    ...own("a lone surrogate", '{"a":"\\ud800"}'),
    ...own("a lone surrogate in a key", '{"\\udfff":1}'),
    ...own("__proto__", '{"a":[{"__proto__":{"isAdmin":true}}]}'),
    ...own("65 levels", nested),
    { what: "null", body: "null", answer: "400 malformed" },
    { what: "event: null", path: "/publish/book", body: "null", answer: "422 invalid-event" },
    { what: "event: 1e999", path: "/publish/book", body: "1e999", answer: "422 invalid-event" },
  ]);
});

test("no name, query or HTTP header that is wrong gets to the broker", async ({ vhost }) => {
  const body = '{"event_type":"book.created","id":"1","title":"t"}';
  const answers = {
    "?priority=256": "400 malformed",
    "?priority=1e2": "400 malformed",
    "?expiration=abc": "400 malformed",
    "?expiration=-1": "400 malformed",
    "?expiration=1.5": "400 malformed",
    "?delivery_mode=3": "400 malformed",
    "?reply_to=amq.rabbitmq.reply-to": "400 malformed",
    "?user_id=somebody": "400 malformed",
    "?headers=1": "400 malformed",
    "?routing_key=book.created": "400 malformed",
    "?__proto__=1": "400 malformed",
    "?message_id=a%0D%0Ab": "400 malformed",
    "?message_id=%FF": "400 malformed",
    "?message_id=%ED%A0%80": "400 malformed",
    [`?message_id=${"%C3%A9".repeat(128)}`]: "400 malformed",
    [`?correlation_id=${"c".repeat(256)}`]: "400 malformed",
    ".created%00": "404 unknown-event",
    ".created%0D%0A": "404 unknown-event",
    "%FF": "400 malformed",
    s: "404 unknown-event",
  };
  const paths = Object.entries(answers).map(([end, answer]) => {
    const path = `/publish/book${end}`;
    return { what: path, path, body, answer };
  });
  const exchanges = {
    "": "404 unknown-exchange",
    "amq.topic": "404 unknown-exchange",
    "warren.test.retry": "404 unknown-exchange",
    __proto__: "404 unknown-exchange",
    toString: "404 unknown-exchange",
    "content\r\n": "400 malformed",
    ["x".repeat(256)]: "400 malformed",
  };
  const names = Object.entries(exchanges).map(([exchange, answer]) => ({
    what: `exchange ${JSON.stringify(exchange)}`,
    body: wrap("", { exchange }),
    answer,
  }));
  const ce = { "ce-specversion": "1.0", "ce-type": "book.created" };
  const many = Object.fromEntries(Array.from({ length: 40 }, (_, n) => [`ce-a${n}`, "v"]));
  const headers = {
    "Idempotency-Key of 256 bytes": { "idempotency-key": "k".repeat(256) },
    "Idempotency-Key with a tab": { "idempotency-key": "a\tb" },
    "Idempotency-Key in Latin-1": { "idempotency-key": "\u00e9" },
    "40 ce- headers": { ...ce, ...many },
    "a ce- header of 2 KiB": { ...ce, "ce-subject": "s".repeat(2048) },
    "a ce- header that is no UTF-8": { ...ce, "ce-subject": "%FF" },
    "a ce- header with CR and LF": { ...ce, "ce-subject": "a%0D%0Ab" },
  };
  const wrong = Object.entries(headers).map(([what, sent]) => ({
    what,
    path: "/publish/book",
    headers: sent,
    body,
    answer: "400 malformed",
  }));
  await expectAnswers(vhost, [...paths, ...names, ...wrong]);
});

test("what is exactly at a limit is taken, one byte more is too large", async ({ vhost }) => {
  const event = (bytes: number) => {
    const around = '{"event_type":"book.created","id":"1","title":""}';
    return around.replace('""', `"${"t".repeat(bytes - around.length)}"`);
  };
  const message = (bytes: number) => wrap("", { message: "m".repeat(bytes - 2) });
  const atEach = {
    routing_key: "é".repeat(127),
    message_id: "i".repeat(255),
    correlation_id: "c".repeat(255),
    priority: 255,
    expiration: 2 ** 32 - 1,
    headers: Object.fromEntries(
      Array.from({ length: 32 }, (_, n) => [`${n}`.padEnd(128, "k"), "v".repeat(1024)]),
    ),
    message: "m".repeat(MIB - 2),
  };
  const deep = `{"message":${"[".repeat(64)}${"]".repeat(64)}}`;
  await expectAnswers(vhost, [
    { what: "an event of 1 MiB", path: "/publish/book", body: event(MIB), answer: "202" },
    {
      what: "an event of one byte more",
      path: "/publish/book",
      body: event(MIB + 1),
      answer: "413 body-too-large",
    },
    { what: "a message of 1 MiB", body: message(MIB), answer: "202" },
    { what: "a message of one byte more", body: message(MIB + 1), answer: "413 body-too-large" },
    { what: "everything at its limit", body: wrap("", atEach), answer: "202" },
    { what: "64 levels", body: wrap(deep), answer: "202" },
    {
      what: "a header named !",
      body: wrap('{"headers":{"!":"byte","value":9999}}'),
      answer: "202",
    },
    { what: "a header of -0", body: wrap('{"headers":{"n":-0,"m":5e-324}}'), answer: "202" },
  ]);
});
