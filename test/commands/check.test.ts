import { expect, test } from "../support/test.ts";

const topology = (rest = "") => `version: 1
project: hello
broker: { url: "amqp://127.0.0.1" }
exchanges:
  greetings: { type: fanout }
queues:
  stale: { bind: greetings, handler: none, ttl: 1h${rest} }
`;
const warning = {
  code: "message-loss",
  severity: "warning",
  message: 'what has waited 1h in queue "stale" is deleted: it has no dead-letter exchange',
  at: { file: "topology.yaml", line: 7, column: 49 },
};

test("check prints warnings and exits 0; what is allowed it does not mention", async ({
  createProject,
  runCli,
}) => {
  const warned = await createProject({ topology: topology() });
  expect(await runCli(warned, ["check"])).toMatchObject({
    exit: 0,
    stderr: `topology.yaml:7:49 warning message-loss  ${warning.message}\n1 warning\n`,
    stdout: "topology.yaml: 1 exchange, 1 queue, 1 binding, 0 events: no problem\n",
  });
  const allowed = await createProject({ topology: topology(", allowLoss: true") });
  expect(await runCli(allowed, ["check"])).toMatchObject({ exit: 0, stderr: "" });
});

test("check prints problems and warnings together by place, and exits 1", async ({
  createProject,
  runCli,
}) => {
  const text = `${topology()}  odd: { bind: greetings, handler: none, ttl: 5 }\n`;
  const project = await createProject({ topology: text });
  const problem = {
    code: "bad-duration",
    severity: "error",
    message: "ttl must have a unit, found 5: write 5s or 5000ms",
    at: { file: "topology.yaml", line: 8, column: 47 },
  };
  const { exit, stdout, stderr } = await runCli(project, ["check", "--json"]);
  expect({ exit, stderr, document: JSON.parse(stdout) }).toEqual({
    exit: 1,
    stderr: "",
    document: { ok: false, problems: [warning, problem] },
  });
  expect((await runCli(project, ["check"])).stderr).toBe(
    `topology.yaml:7:49 warning message-loss  ${warning.message}\n` +
      `topology.yaml:8:47 bad-duration  ${problem.message}\n1 problem, 1 warning\n`,
  );
});

test("check with warnings alone says with --json that all is right", async ({
  createProject,
  runCli,
}) => {
  const project = await createProject({ topology: topology() });
  const { exit, stdout } = await runCli(project, ["check", "--json"]);
  expect({ exit, document: JSON.parse(stdout) }).toEqual({
    exit: 0,
    document: { ok: true, problems: [warning] },
  });
});

test("apply prints warnings on stderr, start logs each once, and neither minds", async ({
  vhost,
  createProject,
  runCli,
  startCli,
}) => {
  const text = topology().replace("amqp://127.0.0.1", vhost.url);
  const project = await createProject({ topology: `${text}http: { port: 0 }\n` });
  const { exit, stderr } = await runCli(project, ["apply"]);
  expect({ exit, stderr }).toMatchObject({
    exit: 0,
    stderr: expect.stringContaining(
      `topology.yaml:7:49 warning message-loss  ${warning.message}\n`,
    ),
  });
  const running = startCli(project, ["start"]);
  const line: unknown = JSON.parse(await running.waitForLine(/"msg":"topology warning"/));
  expect(line).toMatchObject({
    level: 40,
    code: "message-loss",
    place: "topology.yaml:7:49",
    warning: warning.message,
  });
  await running.waitForLine(/"msg":"ready"/);
  running.kill();
  await running.exit;
  expect(running.stdout.split("topology warning")).toHaveLength(2);
});
