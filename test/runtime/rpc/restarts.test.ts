/** What ends or is replaced on the side of the handler, while 1,000 calls are under way. */
import { fileOf, startRunner } from "../../support/runner.ts";
import { expect, test } from "../../support/test.ts";
import { handlerText, startThreaded } from "../../support/threaded.ts";
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
