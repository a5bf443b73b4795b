/** What ends or is replaced on the side of the handler, while 1,000 calls are under way. */
import { fileOf, startRunner } from "../../support/runner.ts";
import { expect, test } from "../../support/test.ts";
import { handlerText, startThreaded } from "../../support/threaded.ts";
import { waitFor } from "../../support/wait-for.ts";
import { ask, askThousand, ends } from "./calling.ts";

const topology = `
defaults: { retry: none, deadLetter: none, concurrency: 50 }
exchanges:
  tasks: { type: direct }
queues:
  classic: { type: classic, rpc: true, bind: { tasks: classic }, handler: echo }
  quorum:  { type: quorum, rpc: true, bind: { tasks: quorum }, handler: echo }
`;
const keys = ["classic", "quorum"];
const echo = handlerText("return event;");

test("requests that end their thread are answered with that, and every other call with its own answer", async ({
  vhost,
}) => {
  const text = `
    if (event === "exit") process.exit(1);
    if (event === "block") for (;;);
    return event;`;
  const warren = await startThreaded({
    ...{ url: vhost.url, topology: `worker: { blocked: 1s }\n${topology}` },
    handlers: { echo: handlerText(text) },
  });
  const killers = [ask(warren, "classic", "exit"), ask(warren, "quorum", "block")];
  const { requests, calls } = askThousand(warren, keys);
  expect(new Set(ends(await Promise.all(calls), requests))).toEqual(new Set(["ok"]));
  const failed = { ok: false, code: "rpc-failed", reason: "handler-crash" };
  expect(await Promise.all(killers)).toMatchObject([failed, failed]);
  const { handlers: threads, rpc } = warren.runner.status();
  expect(threads.restarts).toBeGreaterThan(0);
  expect(rpc.waiting).toBe(0);
  await warren.stop();
});

test("handlers that are replaced: a call that has begun has the answer of the ones before, later calls that of the new ones", async ({
  vhost,
}) => {
  // Of the calls marked with its version each hundredth waits for a file.
  const versioned = (version: number, flag: string) =>
    handlerText(
      `if (event.mark === ${version} && event.number % 100 === 0) {
        log.info({ version: ${version} }, "begun");
        while (!existsSync(${JSON.stringify(flag)})) await delay(20);
      }
      return { version: ${version}, number: event.number };`,
      `import { existsSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";`,
    );
  const warren = await startThreaded({
    ...{ url: vhost.url, topology },
    handlers: { echo: versioned(0, "/nowhere") },
  });
  const reload = async (version: number) => {
    const flag = warren.project.path(`open-${version}`);
    await warren.project.write("src/handlers/echo.ts", versioned(version, flag));
    const edition = { ok: true, topology: warren.topology } as const;
    expect(await warren.runner.update(edition)).toMatchObject({ status: "updated" });
  };
  await reload(1);
  for (const version of [1, 2]) {
    const { calls } = askThousand(warren, keys, version);
    const begun = () => warren.logged("begun").filter((line) => line.version === version);
    await waitFor(() => begun().length > 0, { what: "a call that waits" });
    await reload(version + 1);
    const next = await ask(warren, "classic", { number: -1, mark: null });
    expect(next).toMatchObject({ reply: `{"version":${version + 1},"number":-1}` });
    await warren.project.write(`open-${version}`, "");
    const answers = (await Promise.all(calls)).map((called) =>
      called.ok ? (JSON.parse(called.reply) as { version: number; number: number }) : called,
    );
    const numbers = answers.map((answer) => ("number" in answer ? answer.number : answer));
    expect(numbers).toEqual(Array.from({ length: 1_000 }, (_, number) => number));
    const versions = answers.map((answer) => ("version" in answer ? answer.version : answer));
    expect([version, version + 1]).toEqual(expect.arrayContaining([...new Set(versions)]));
    expect(versions).toContain(version);
    await waitFor(() => warren.runner.status().handlers.finishing === 0, { what: "its end" });
  }
  await warren.stop();
});

test("a runner that is killed, or stopped, while it answers: the next one answers what it had not", async ({
  vhost,
  createProject,
  startCli,
}) => {
  const files = { url: vhost.url, topology };
  const project = await createProject({ topology: fileOf(files), handlers: { echo } });
  const startCallee = async () => {
    const callee = startCli(project, ["start", "--only", "consumers"]);
    await callee.waitForLine(/"msg":"ready"/);
    return callee;
  };
  let callee = await startCallee();
  const handlers = { echo: () => "nobody asks it" };
  const caller = await startRunner({ ...files, handlers, queues: [] });
  for (const signal of ["SIGKILL", "SIGTERM"] as const) {
    const { requests, calls } = askThousand(caller, keys, signal);
    await Promise.race(calls);
    callee.kill(signal);
    expect(await callee.exit).toBe(signal === "SIGKILL" ? signal : 0);
    expect(caller.runner.status().rpc.waiting).toBeGreaterThan(0);
    callee = await startCallee();
    expect(new Set(ends(await Promise.all(calls), requests))).toEqual(new Set(["ok"]));
  }
  expect(caller.runner.status().rpc.waiting).toBe(0);
  callee.kill();
  expect(await callee.exit).toBe(0);
  await caller.stop();
});
