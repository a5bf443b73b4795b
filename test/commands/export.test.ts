import { expect, test } from "../support/test.ts";

const topology = `version: 1
project: shop
broker: { url: "amqp://127.0.0.1" }
exchanges: { orders: { type: topic } }
queues: { all: { type: classic, bind: { orders: "#" }, handler: none } }
`;

test("export prints definitions.json, or a flowchart, and nothing else", async ({
  createProject,
  runCli,
}) => {
  const project = await createProject({ topology });
  const definitions = await runCli(project, ["export", "definitions"]);
  expect(definitions).toMatchObject({ exit: 0, stderr: "" });
  expect(JSON.parse(definitions.stdout)).toEqual({
    exchanges: [
      {
        ...{ name: "orders", type: "topic", durable: true, auto_delete: false, internal: false },
        arguments: {},
      },
    ],
    queues: [
      {
        ...{ name: "all", durable: true, auto_delete: false },
        arguments: { "x-queue-type": "classic" },
      },
    ],
    bindings: [
      {
        ...{ source: "orders", destination: "all", destination_type: "queue" },
        ...{ routing_key: "#", arguments: {} },
      },
    ],
    policies: [],
  });

  const flowchart = await runCli(project, ["export", "mermaid"]);
  expect(flowchart).toEqual({
    exit: 0,
    stderr: "",
    stdout:
      'flowchart LR\n  e0{{"orders<br/>topic"}}\n  q0[("all<br/>classic")]\n  e0 -->|"#35;"| q0\n',
  });

  const unknown = await runCli(project, ["export", "wsdl"]);
  expect(unknown).toMatchObject({ exit: 1, stdout: "" });
});

test("definitions leave out an exclusive queue with its bindings, and say so beside; explain and the flowchart show it", async ({
  createProject,
  runCli,
}) => {
  const queue =
    '{ type: classic, exclusive: true, bind: { orders: "#" }, handler: take, deadLetter: none, allowLoss: true }';
  const project = await createProject({
    topology: topology.replace("queues: {", `queues: { own: ${queue},`),
    handlers: { take: "" },
  });
  const { stdout, stderr, exit } = await runCli(project, ["export", "definitions"]);
  expect({ stderr, exit }).toEqual({
    stderr: 'left out: queue "own" is exclusive: whoever consumes it declares and binds it\n',
    exit: 0,
  });
  const { queues, bindings } = JSON.parse(stdout);
  expect([queues.length, bindings.length]).toEqual([1, 1]);
  const flowchart = await runCli(project, ["export", "mermaid"]);
  expect(flowchart.stdout).toContain("own<br/>classic, exclusive");
  const explained = await runCli(project, ["explain", "own"]);
  expect(explained.stdout).toMatch(/^own {2}classic, exclusive/);
  expect(explained.stdout).toMatch(/orders +"#"/);
  expect(explained.stdout).toContain("when the connection that consumes it ends");
});

test("what is exported as definitions is imported as the same topology", async ({
  createProject,
  runCli,
}) => {
  const project = await createProject({ topology });
  const { stdout } = await runCli(project, ["export", "definitions"]);
  await project.write("d.json", stdout);
  const imported = await runCli(project, ["import", "--from", "d.json", "--project", "shop"]);
  expect(imported.stdout.replace(/^#.*\n/gm, "")).toBe(`
version: 1
project: shop

broker: { url: "\${RABBITMQ_URL:-amqp://127.0.0.1}" }

defaults: { type: classic }

exchanges:
  orders: { type: topic }

queues:
  all: { bind: { orders: "#" }, handler: none }
`);
});

test("export prints the documents of HTTP and of the messages, which name no path and no password", async ({
  createProject,
  runCli,
}) => {
  const project = await createProject({
    topology: topology.replace("amqp://127.0.0.1", "amqp://us3r:s3cret@127.0.0.1/shop"),
    events: { "order.placed": { type: "object", examples: [{ order_id: "1" }] } },
  });
  for (const [form, version] of [
    ["openapi", { openapi: "3.1.0" }],
    ["asyncapi", { asyncapi: "3.0.0" }],
  ] as const) {
    const { exit, stdout, stderr } = await runCli(project, ["export", form]);
    expect({ exit, stderr }).toEqual({ exit: 0, stderr: "" });
    expect(JSON.parse(stdout)).toMatchObject({ ...version, info: { title: "shop" } });
    for (const secret of [project.folder, "us3r", "s3cret"]) expect(stdout).not.toContain(secret);
  }
});
