import { expect, test } from "../support/test.ts";

const topology = `version: 1
project: shop
broker: { url: "amqp://127.0.0.1" }
defaults: { deadLetter: dead, retry: [90s, 30s], rejectOn: [TypeError], rate: 90/m, breaker: { failureRate: 0.5, window: 20, pause: 30s } }
exchanges:
  orders: { type: topic, events: ["order.*"], alternate: unrouted }
  audit: { type: topic, internal: true, bind: { orders: "order.#" } }
  unrouted: { type: fanout }
  documents: { type: headers }
  dead: { type: topic }
queues:
  payments:
    bind: { audit: order.placed }
    handler: take
    timeout: 90s
    idempotency: { by: header request-id, ttl: 2h, missing: reject }
  short:
    type: classic
    bind: [unrouted, { documents: { headers: { pages: 2 } } }]
    handler: take
    ordered: true
    rate: none
    breaker: none
    retry: [5s]
    deadLetter: none
    ttl: 1h
    expires: 2d
    limits: { messages: 10 }
  taken:
    bind: { orders: order.lost }
    handler: none
    exact: true
    arguments: { x-dead-letter-exchange: dead }
  theirs: { external: true, handler: none, bind: { dead: theirs } }
  kept: { type: stream, handler: none, maxAge: 7d, bind: { orders: "#" }, limits: { bytes: 1GiB } }
  dead_letters: { bind: { dead: "#" }, handler: none, deadLetter: none }
policies:
  old: { pattern: "^taken$", applyTo: queues, definition: { message-ttl: 60000 } }
`;
const files = {
  topology,
  handlers: { take: "export {};\n" },
  events: { "order.placed": { type: "object" }, "order.lost": { type: "object" } },
};

test("explain says of a queue what is declared, what reaches it, and every attempt", async ({
  createProject,
  runCli,
}) => {
  const project = await createProject(files);
  const { exit, stdout } = await runCli(project, ["explain", "payments"]);
  expect(exit).toBe(0);
  expect(stdout.trimEnd().split("\n")).toEqual([
    "payments  quorum  topology.yaml:12:3",
    "",
    "handled by",
    "  handler      take               src/handlers/take.ts",
    "  concurrency  20                 runs at once",
    "  prefetch     1                  messages that the broker sends ahead",
    "  timeout      1m 30s             of one run",
    "  idempotency  header request-id  handled once in 2h; a message without it is a dead letter",
    "  rate         90/m               runs that begin, in each runner",
    "  breaker      opens when 0.5 of the last 20 runs have failed, for 30s, and twice as long after each try that fails",
    "",
    "arguments",
    '  x-queue-type               "quorum"          longstr',
    '  x-dead-letter-exchange     "dead"            longstr',
    '  x-dead-letter-routing-key  "payments"        longstr',
    "  x-delivery-limit           1000              long",
    '  x-dead-letter-strategy     "at-least-once"   longstr',
    '  x-overflow                 "reject-publish"  longstr',
    "",
    "bound from",
    '  audit                "order.placed"      topology.yaml:13:20',
    '  warren.shop.requeue  "*.payments"        topology.yaml:12:3',
    '  orders               "order.#" to audit  topology.yaml:7:57',
    "",
    "events",
    "  order.placed",
    "",
    "attempts",
    "  attempt  after   in all  through",
    "  1        0s      0s      the queue",
    "  2        1m 30s  1m 30s  warren.shop.retry.90s",
    "  3        30s     2m      warren.shop.retry.30s",
    "",
    "retried are",
    "  all errors",
    "  not TypeError",
    "",
    "dead letters go",
    '  by warren             dead with "payments"  → dead_letters',
    "    handler-failed      at attempt 3, or at once where it is not retried",
    "    handler-timeout     at attempt 3, after 90s",
    "    rejected            at once",
    "    undecodable         at once",
    "    invalid-event       at once",
    "    unexpected-event    at once",
    "    no-idempotency-key  at once",
    "    handler-crash       at crash 3 of its thread",
    '  by the broker         dead with "payments"  → dead_letters',
    "    expired             at the message's own expiration",
    "    delivery_limit      after 1000 returns to the queue",
    "",
    "lost is",
    "  nothing that is known here",
  ]);
});

test("explain says what a queue loses: by its handler, its ttl, its limit, its end and a restart", async ({
  createProject,
  runCli,
}) => {
  const project = await createProject(files);
  const { stdout } = await runCli(project, ["explain", "short", "--json"]);
  const { queue, bindings, events, attempts, deadLetters, losses } = JSON.parse(stdout);
  const causes = (reasons: Record<string, string>) =>
    Object.entries(reasons).map(([reason, when]) => ({ reason, when }));
  expect({ queue, bindings, events, attempts, deadLetters, losses }).toEqual({
    queue: {
      name: "short",
      type: "classic",
      external: false,
      ordered: true,
      at: { file: "topology.yaml", line: 17, column: 3 },
      handler: { name: "take", file: project.path("src/handlers/take.ts") },
      concurrency: 1,
      prefetch: 1,
      timeoutMs: 30_000,
      retryOn: null,
      rejectOn: ["TypeError"],
      idempotency: null,
      consumerPriority: 0,
      ratePerHour: null,
      breaker: null,
      acksOnDelivery: false,
      autoDelete: false,
      exclusive: false,
    },
    bindings: [
      {
        ...{ source: "unrouted", destination: "short", destinationKind: "queue", key: "" },
        arguments: {},
        at: { file: "topology.yaml", line: 19, column: 12 },
      },
      {
        ...{ source: "documents", destination: "short", destinationKind: "queue", key: "" },
        arguments: { "x-match": "all", pages: 2 },
        at: { file: "topology.yaml", line: 19, column: 35 },
      },
      {
        ...{ alternateOf: "orders", destination: "unrouted" },
        at: { file: "topology.yaml", line: 6, column: 3 },
      },
    ],
    events: null,
    attempts: [
      { attempt: 1, afterMs: 0, totalMs: 0, through: null },
      { attempt: 2, afterMs: 5_000, totalMs: 5_000, through: null },
    ],
    deadLetters: [
      {
        by: "warren",
        causes: causes({
          "handler-failed": "at attempt 2, or at once where it is not retried",
          "handler-timeout": "at attempt 2, after 30s",
          rejected: "at once",
          undecodable: "at once",
          "handler-crash": "at crash 3 of its thread",
        }),
        to: null,
        queues: [],
      },
      {
        by: "broker",
        causes: causes({
          expired: "after 1h in the queue, or at the message's own expiration",
          maxlen: "the oldest, when the queue is full",
        }),
        to: null,
        queues: [],
      },
    ],
    losses: [
      "what ends so is dropped, with an error in the log: handler-failed, handler-timeout, rejected, undecodable, handler-crash",
      "what ends so is deleted by the broker: expired, maxlen",
      "the queue with all that is in it, when nobody has used it for 2d",
      "what was published as transient (delivery_mode 1), when the broker restarts",
    ],
  });
});

test("explain lays policies over a queue, and follows dead letters that keep their own key", async ({
  createProject,
  runCli,
}) => {
  const project = await createProject(files);
  const { stdout } = await runCli(project, ["explain", "taken", "--json"]);
  const { arguments: args, policies, attempts, deadLetters, losses } = JSON.parse(stdout);
  expect({ args, policies, attempts, deadLetters, losses }).toEqual({
    args: [
      { name: "x-queue-type", value: "quorum", type: "longstr" },
      { name: "x-dead-letter-exchange", value: "dead", type: "longstr" },
    ],
    policies: [
      {
        name: "old",
        priority: 0,
        definition: { "message-ttl": 60_000 },
        at: { file: "topology.yaml", line: 38, column: 3 },
      },
    ],
    attempts: [],
    deadLetters: [
      {
        by: "broker",
        causes: [
          {
            reason: "expired",
            when: "after 1m in the queue, or at the message's own expiration",
          },
          {
            reason: "delivery_limit",
            when: "after 20 returns to the queue since RabbitMQ 4.0, never before",
          },
          { reason: "rejected", when: "when a consumer rejects it without requeue" },
        ],
        to: { exchange: "dead", key: null },
        queues: ["dead_letters", "theirs"],
      },
    ],
    losses: [
      "what the broker dead-letters, if the queue that is to take it can't: it is sent once",
    ],
  });
});

test("explain says of a stream what it keeps, and of an external queue that little is known", async ({
  createProject,
  runCli,
}) => {
  const project = await createProject(files);
  const [stream, external, parked] = await Promise.all(
    ["kept", "theirs", "dead_letters"].map(async (name) => {
      const { stdout } = await runCli(project, ["explain", name, "--json"]);
      return JSON.parse(stdout);
    }),
  );
  expect({ losses: stream.losses, deadLetters: stream.deadLetters }).toEqual({
    losses: [
      "what has been in the stream for 7D",
      "the oldest of the stream, beyond 1073741824 bytes",
    ],
    deadLetters: [],
  });
  expect({ arguments: external.arguments, losses: external.losses }).toEqual({
    arguments: [],
    losses: ["nothing more is known: the queue is external, and not declared"],
  });
  expect(parked.deadLettersOf).toEqual(["payments", "taken"]);
});

test("explain says of a queue that replies to whom, by which schema, and what a failing handler answers", async ({
  createProject,
  runCli,
}) => {
  const project = await createProject({
    topology: `version: 1
project: shop
broker: { url: "amqp://127.0.0.1" }
defaults: { type: classic, deadLetter: none, retry: none }
exchanges: { tasks: { type: direct } }
queues:
  quote: { rpc: true, bind: { tasks: quote }, handler: take, timeout: 5s }
  free: { rpc: true, bind: { tasks: free }, handler: take, retry: [100ms] }
  plain: { bind: { tasks: plain }, handler: take, allowLoss: true }
`,
    handlers: { take: "export {};\n" },
    replies: { quote: { type: "number" } },
  });
  const { stdout } = await runCli(project, ["explain", "quote"]);
  const lines = stdout.trimEnd().split("\n");
  expect(lines.slice(lines.indexOf("replies"), lines.indexOf("lost is"))).toEqual([
    "replies",
    "  to                 the reply_to of each request, with its correlation_id",
    "  is                 as schemas/replies/quote.json says",
    "  or an error, once  with its reason in x-warren-reason",
    "    handler-failed   at attempt 1",
    "    handler-timeout  at attempt 1, after 5s",
    "    rejected         at once",
    "    undecodable      at once",
    "    handler-crash    at crash 3 of its thread",
    "",
    "dead letters go",
    "  by warren          nowhere",
    "    handler-failed   at attempt 1",
    "    handler-timeout  at attempt 1, after 5s",
    "    rejected         at once",
    "    undecodable      at once",
    "    handler-crash    at crash 3 of its thread",
    "    expired          when it has waited in the runner for all of its own expiration",
    "  by the broker      nowhere",
    "    expired          at the message's own expiration",
    "",
  ]);
  const [quote, free, plain] = await Promise.all(
    ["quote", "free", "plain"].map(async (name) => {
      const { stdout: json } = await runCli(project, ["explain", name, "--json"]);
      return JSON.parse(json).reply;
    }),
  );
  expect(quote.schema).toEqual({
    file: "schemas/replies/quote.json",
    version: expect.stringMatching(/^[0-9a-f]{12}$/),
  });
  expect(free).toEqual({
    schema: null,
    errors: [
      { reason: "handler-failed", when: "at attempt 2" },
      { reason: "handler-timeout", when: "at attempt 2, after 30s" },
      { reason: "rejected", when: "at once" },
      { reason: "undecodable", when: "at once" },
      { reason: "handler-crash", when: "at crash 3 of its thread" },
    ],
  });
  expect(plain).toBeNull();
});

test("an unknown queue is an error that names the one that was meant", async ({
  createProject,
  runCli,
}) => {
  const project = await createProject(files);
  const { exit, stdout, stderr } = await runCli(project, ["explain", "paiments"]);
  expect({ exit, stdout, stderr }).toEqual({
    exit: 1,
    stdout: "",
    stderr:
      'unknown-queue  topology.yaml declares no queue "paiments"; did you mean "payments"?\nName a queue of topology.yaml.\n',
  });
});
