import amqplib from "amqplib";
import { expect, test } from "../support/test.ts";

const topology = `version: 1
project: hello
broker: { url: "embedded:" }
http: { port: 0 }
defaults: { deadLetter: dead }
exchanges:
  greetings: { type: topic }
  dead: { type: topic }
queues:
  greet_queue: { bind: { greetings: "#" }, handler: greet }
  dead_letters: { bind: { dead: "#" }, handler: none, deadLetter: none }
`;
const handlers = {
  greet: `import { defineHandler } from "warren";
export default defineHandler<never>((event, { log }) => log.info({ event }, "greeted"));
`,
};
const NOTICE = "what it holds is gone when warren ends; set RABBITMQ_URL to use RabbitMQ";

function fieldsOf(line: string): Readonly<Record<string, string>> {
  return JSON.parse(line) as Readonly<Record<string, string>>;
}

test("start with embedded: says that nothing is kept, serves, and takes edits all the same", async ({
  createProject,
  startCli,
}) => {
  const project = await createProject({ topology, handlers });
  const warren = startCli(project, ["start"]);
  const { url } = fieldsOf(await warren.waitForLine(/"msg":"ready"/, 30_000));
  expect(warren.stdout.split("\n").filter((line) => line.includes(NOTICE))).toHaveLength(1);
  const publish = async (name: string) => {
    const response = await fetch(`${url}/publish`, {
      method: "POST",
      headers: { "content-type": "application/json", connection: "close" },
      body: JSON.stringify({ exchange: "greetings", routing_key: "x", message: { name } }),
    });
    await response.text();
    return response.status;
  };
  expect(await publish("first")).toBe(202);
  await warren.waitForLine(/"event":\{"name":"first"\},"msg":"greeted"/);
  await project.write("src/handlers/greet.ts", handlers.greet.replace('"greeted"', '"welcomed"'));
  await warren.waitForLine(/"msg":"reloaded"/, 20_000);
  expect(await publish("second")).toBe(202);
  await warren.waitForLine(/"event":\{"name":"second"\},"msg":"welcomed"/);
  warren.kill();
  expect(await warren.exit).toBe(0);
});

test("apply with embedded: declares on a broker that ends with it", async ({
  createProject,
  runCli,
}) => {
  const project = await createProject({ topology, handlers });
  const { exit, stdout } = await runCli(project, ["apply", "--json"]);
  expect(exit).toBe(0);
  const report = stdout.slice(stdout.indexOf("{\n"));
  expect(JSON.parse(report)).toMatchObject({
    broker: expect.stringMatching(/^warren embedded broker 4\.3\.6 at /),
    isDone: true,
  });
});

test("where NODE_ENV is production there is no embedded broker: embedded-in-production", async ({
  createProject,
  runCli,
}) => {
  const project = await createProject({ topology, handlers });
  const env = { NODE_ENV: "production" };
  for (const command of ["start", "apply"]) {
    const { exit, stderr } = await runCli(project, [command], { env });
    const [place, code, ...words] = (stderr.split("\n")[0] ?? "").split(/ +/);
    expect({ exit, place, code, text: words.join(" ") }).toEqual({
      exit: 1,
      place: "topology.yaml:3:1",
      code: "embedded-in-production",
      text: 'broker.url is "embedded:", which keeps nothing, and NODE_ENV is production',
    });
  }
  // The file is sound.
  expect(await runCli(project, ["check"], { env })).toMatchObject({ exit: 0 });
});

test("broker runs it alone for any client, until it is told to end", async ({
  createProject,
  startCli,
  runCli,
}) => {
  const project = await createProject({ topology });
  const args = ["broker", "--port", "0", "--management-port", "0", "--json"];
  const running = startCli(project, args);
  const { url = "", managementUrl = "" } = fieldsOf(await running.waitForLine(/managementUrl/));
  const model = await amqplib.connect(url);
  const channel = await model.createConfirmChannel();
  await channel.assertQueue("q");
  channel.sendToQueue("q", Buffer.from("hello"));
  await channel.waitForConfirms();
  const message = await channel.get("q", { noAck: true });
  expect(message).toMatchObject({ content: Buffer.from("hello") });
  await model.close();

  const port = new URL(url).port;
  const taken = await runCli(project, ["broker", "--port", port, "--management-port", "0"]);
  expect(taken).toMatchObject({ exit: 1, stdout: "" });
  expect(taken.stderr).toContain("broker-port-in-use  127.0.0.1:");
  const bad = await runCli(project, ["broker", "--port", "70000"]);
  expect(bad).toMatchObject({ exit: 1, stdout: "" });
  expect(bad.stderr).toContain("a port is a number from 0 to 65535");

  expect(new URL(managementUrl).port).not.toBe(port);
  running.kill();
  expect(await running.exit).toBe(0);
});
