import { expect, test } from "../support/test.ts";

const topology = `version: 1
project: shop
broker: { url: "amqp://127.0.0.1" }
defaults: { deadLetter: none, retry: none }
exchanges:
  orders: { type: topic, events: ["order.*"], alternate: unrouted }
  audit: { type: topic, internal: true, bind: { orders: "order.#" } }
  again: { type: fanout, bind: [{ orders: "#.placed" }, { audit: order.placed }] }
  unrouted: { type: fanout }
  documents: { type: headers }
  jobs: { type: direct }
queues:
  payments: { bind: { orders: order.placed }, handler: take }
  books: { bind: [{ audit: "order.*" }, again], handler: none }
  inbox: { bind: unrouted, handler: none }
  prints: { bind: { documents: { headers: { type: pdf, pages: 2 }, match: any } }, handler: take }
`;
const files = {
  topology,
  handlers: { take: "export {};\n" },
  events: { "order.placed": { type: "object" } },
};

test("route shows the way of a message, each step with its place in the file", async ({
  createProject,
  runCli,
}) => {
  const project = await createProject(files);
  const { exit, stdout } = await runCli(project, ["route", "orders", "order.placed"]);
  expect(exit).toBe(0);
  expect(stdout.trimEnd().split("\n")).toEqual([
    "orders  topic                                 topology.yaml:6:3",
    '├─ "order.#" → audit  topic                   topology.yaml:7:57',
    '│  ├─ "order.placed" → again  fanout          topology.yaml:8:66',
    "│  │  └─ all → books  parked                  topology.yaml:14:41",
    '│  └─ "order.*" → books  parked               topology.yaml:14:28',
    '├─ "#.placed" → again  fanout  (shown above)  topology.yaml:8:43',
    '└─ "order.placed" → payments  handler take    topology.yaml:13:31',
    "",
    "2 queues: books, payments",
  ]);
});

test("route shows what an alternate gets, and that the exchange refuses the event", async ({
  createProject,
  runCli,
}) => {
  const project = await createProject(files);
  const { exit, stdout } = await runCli(project, ["route", "orders", "invoice"]);
  expect(exit).toBe(0);
  expect(stdout.trimEnd().split("\n")).toEqual([
    "orders  topic                                      topology.yaml:6:3",
    "└─ nothing takes it: alternate → unrouted  fanout  topology.yaml:6:3",
    "   └─ all → inbox  parked                          topology.yaml:15:18",
    "",
    "1 queue, by the alternate exchange unrouted: inbox",
    "",
    'refused: exchange "orders" lists no event "invoice"; POST /publish refuses it',
  ]);
});

test("route takes headers as JSON or as pairs, in which numbers are numbers and quotes make text", async ({
  createProject,
  runCli,
}) => {
  const project = await createProject(files);
  const by = async (...headers: readonly string[]) => {
    const options = headers.flatMap((one) => ["--headers", one]);
    const { exit, stdout } = await runCli(project, [
      "route",
      "documents",
      "",
      "--json",
      ...options,
    ]);
    const document = JSON.parse(stdout);
    return { exit, headers: document.headers, queues: document.queues };
  };
  const queues = [
    { name: "prints", handler: "take", at: { file: "topology.yaml", line: 16, column: 3 } },
  ];
  expect(await by("pages=2")).toEqual({ exit: 0, headers: { pages: 2 }, queues });
  expect(await by('pages="2"')).toEqual({ exit: 1, headers: { pages: "2" }, queues: [] });
  const both = await by('{ "type": "txt" }', "type=pdf");
  expect(both).toEqual({ exit: 0, headers: { type: "pdf" }, queues });
});

test("route of what no queue gets is unroutable, of an unknown exchange an error that names another", async ({
  createProject,
  runCli,
}) => {
  const project = await createProject(files);
  const lost = await runCli(project, ["route", "jobs", "print"]);
  expect(lost).toMatchObject({
    exit: 1,
    stdout: "jobs  direct         topology.yaml:11:3\n└─ nothing takes it\n",
  });
  expect(lost.stderr).toContain(
    'topology.yaml:11:3 unroutable  no queue gets a message to "jobs" with the key "print"',
  );
  const unknown = await runCli(project, ["route", "order", "x"]);
  expect(unknown.exit).toBe(1);
  expect(unknown.stderr).toContain(
    'unknown-exchange  topology.yaml declares no exchange "order"; did you mean "orders"?',
  );
});

test.each(["{", "nothing", "=x"])("headers that are %j are a bad argument", async (header) => {
  const { parseHeaders } = await import("../../src/commands/headers.ts");
  expect(() => parseHeaders([header])).toThrow(expect.objectContaining({ code: "bad-argument" }));
});

test("the path and its queues are one document", async ({ createProject, runCli }) => {
  const project = await createProject(files);
  const { stdout } = await runCli(project, ["route", "orders", "x", "--json"]);
  const at = (line: number, column: number) => ({ file: "topology.yaml", line, column });
  expect(JSON.parse(stdout)).toEqual({
    exchange: "orders",
    key: "x",
    headers: {},
    path: [
      { exchange: "orders", type: "topic", at: at(6, 3), taken: [], alternate: "unrouted" },
      {
        exchange: "unrouted",
        type: "fanout",
        at: at(9, 3),
        taken: [
          {
            ...{ destination: "inbox", destinationKind: "queue", key: "", arguments: {} },
            at: at(15, 18),
          },
        ],
        alternate: null,
      },
    ],
    queues: [{ name: "inbox", handler: null, at: at(15, 3) }],
    via: "unrouted",
    refused: 'exchange "orders" lists no event "x"; POST /publish refuses it',
  });
});
