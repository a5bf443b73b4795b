import { once } from "node:events";
import { request } from "node:http";
import { inject } from "vitest";
import { NO_PERMISSIONS } from "../../../src/apply/change/options.ts";
import { planTopology } from "../../../src/apply/plan/look.ts";
import { exportDefinitions } from "../../../src/apply/transfer/export-definitions.ts";
import { exportMermaid } from "../../../src/apply/transfer/mermaid.ts";
import { loadTopology } from "../../support/runner.ts";
import { expect, test } from "../../support/test.ts";
import { topologyOf } from "../../support/topology.ts";

const file = `defaults: { deadLetter: dead, retry: [1s, 90s] }
exchanges:
  orders: { type: topic, alternate: unrouted }
  audit: { type: topic, internal: true, bind: { orders: "#" } }
  documents: { type: headers, allowUnknown: true, arguments: { x-of-plugin: [1, 1.5, { a: true }] } }
  unrouted: { type: fanout, autoDelete: true }
  dead: { type: topic }
queues:
  payments: { bind: { orders: [order.placed, "order.*"] }, handler: take, ttl: 1h, limits: { messages: 5 } }
  jobs:
    type: classic
    bind: [unrouted, { documents: [{ headers: { n: 5, m: 1.5 }, match: any }, { key: k, arguments: { n: 5 } }] }]
    handler: take
    maxPriority: 3
  events: { type: stream, handler: none, bind: { audit: "#" }, maxAge: 7d }
  taken: { handler: none, exact: true, deadLetter: none }
  dead_letters: { bind: { dead: "#" }, handler: none, deadLetter: none }
policies:
  short: { pattern: "^taken$", applyTo: queues, priority: -3, definition: { message-ttl: 60000 } }`;

async function post(url: string, body: object) {
  const { username, password } = new URL(url);
  const headers = { "content-type": "application/json" };
  const sent = request(url, {
    method: "POST",
    auth: `${username}:${password}`,
    headers,
    agent: false,
  });
  sent.end(JSON.stringify(body));
  const [answer] = await once(sent, "response");
  answer.resume();
  await once(answer, "end");
  return answer.statusCode as number;
}

test.skipIf(inject("broker").kind === "embedded")(
  "a broker that takes the exported definitions has what apply would have made, its retries included",
  async ({ vhost }) => {
    const topology = await loadTopology({
      topology: file,
      handlers: { take: () => 1 },
      url: vhost.url,
    });
    const api = `${vhost.managementUrl}/api/definitions/${encodeURIComponent(vhost.vhost)}`;
    expect(await post(api, exportDefinitions(topology))).toBe(204);
    const management = { url: vhost.managementUrl, shown: vhost.managementUrl };
    const managed = { ...topology, broker: { ...topology.broker, management } };
    const { plan } = await planTopology(managed, NO_PERMISSIONS);
    expect(plan.entries.filter(({ action }) => action !== "unchanged")).toEqual([]);
    expect(plan.entries).toHaveLength(27);
  },
);

test("external objects are not among the definitions, and what binds to them is", () => {
  const topology = topologyOf({
    exchanges: { theirs: { external: true }, ours: {} },
    queues: { theirs: { external: true }, ours: { arguments: { "x-queue-type": "classic" } } },
    bindings: [
      ["theirs", "ours", "a"],
      ["ours", "theirs", "b"],
    ],
  });
  const binding = (source: string, destination: string, key: string) => ({
    ...{ source, destination, destination_type: "queue", routing_key: key, arguments: {} },
  });
  expect(exportDefinitions(topology)).toEqual({
    exchanges: [
      {
        ...{ name: "ours", type: "topic", durable: true, auto_delete: false, internal: false },
        arguments: {},
      },
    ],
    queues: [
      {
        ...{ name: "ours", durable: true, auto_delete: false },
        arguments: { "x-queue-type": "classic" },
      },
    ],
    bindings: [binding("theirs", "ours", "a"), binding("ours", "theirs", "b")],
    policies: [],
  });
});

test("the flowchart has exchanges, bindings, queues, handlers, alternates and dead letters", () => {
  const topology = topologyOf({
    exchanges: {
      orders: { alternate: "rest" },
      rest: { type: "fanout" },
      docs: { type: "headers" },
    },
    queues: {
      payments: {
        handler: { name: "take", file: "/take.ts" },
        deadLetter: { exchange: "rest", key: "payments" },
      },
      raw: { arguments: { "x-dead-letter-exchange": "orders" }, external: true },
      direct: { arguments: { "x-dead-letter-exchange": "", "x-dead-letter-routing-key": "raw" } },
      nowhere: { arguments: { "x-dead-letter-exchange": "gone" } },
    },
    bindings: [
      ["orders", "payments", "order.*"],
      ["orders", "x>docs", "#"],
      ["rest", "raw"],
      ["docs", "raw", { type: "pdf" }],
    ],
  });
  expect(exportMermaid(topology).trimEnd().split("\n")).toEqual([
    "flowchart LR",
    '  e0{{"orders<br/>topic"}}',
    '  e1{{"rest<br/>fanout"}}',
    '  e2{{"docs<br/>headers"}}',
    '  q0[("payments<br/>classic")]',
    '  q0 --> q0h(["take"])',
    '  q1[("raw<br/>classic")]',
    '  q2[("direct<br/>classic")]',
    '  q3[("nowhere<br/>classic")]',
    '  e0 -->|"order.#42;"| q0',
    '  e0 -->|"#35;"| e2',
    "  e1 --> q1",
    '  e2 -->|"#123;#34;type#34;:#34;pdf#34;#125;"| q1',
    '  e0 -.->|"what it can\'t route"| e1',
    '  q0 -.->|"dead letters: payments"| e1',
    '  q1 -.->|"dead letters"| e0',
    '  q2 -.->|"dead letters"| q1',
    "  classDef external stroke-dasharray: 5 5",
    "  class q1 external",
  ]);
});

test("no name can say anything to Mermaid, Markdown or HTML", () => {
  const names = [
    'a"b',
    "`code`",
    "<script>alert(1)</script>",
    "a#b;",
    "#quot;",
    "&amp;",
    "%%{init: {}}%%",
    "a|b]c)d}e",
    "**bold** __too__ _it_ a_b",
    "1. list",
    "- list",
    "end",
    "é 日本 🐇",
    "\\n",
  ];
  const topology = topologyOf({
    exchanges: {},
    queues: Object.fromEntries(names.map((name) => [name, {}])),
  });
  const labels = exportMermaid(topology)
    .trimEnd()
    .split("\n")
    .slice(1)
    .map((line) => /^ {2}q\d+\[\("(.*)<br\/>classic"\)\]$/u.exec(line)?.[1] ?? line);
  expect(labels).toEqual([
    "a#34;b",
    "#96;code#96;",
    "#60;script#62;alert#40;1#41;#60;/script#62;",
    "a#35;b#59;",
    "#35;quot#59;",
    "#38;amp#59;",
    "#37;#37;#123;init: #123;#125;#125;#37;#37;",
    "a#124;b#93;c#41;d#125;e",
    "#42;#42;bold#42;#42; #95;#95;too#95;#95; #95;it#95; a_b",
    "1#46; list",
    "#45; list",
    "end",
    "é 日本 #128007;",
    "#92;n",
  ]);
  const read = labels.map((label) =>
    label.replaceAll(/#(\d+);/g, (_, code) => String.fromCodePoint(Number(code))),
  );
  expect(read).toEqual(names);
});
