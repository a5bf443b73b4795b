import { expect, test } from "../../support/test.ts";
import { handlerText, startThreaded } from "../../support/threaded.ts";
import { waitFor } from "../../support/wait-for.ts";
import { topology } from "./jobs.ts";

const other = handlerText('log.info({ n: event.n, attempt }, "other");');

/** What a handler of the queue `work` does with one message, whose other messages are fine. */
const misdeeds: readonly {
  readonly name: string;
  readonly body: string;
  /** The one that ends it; the others are so long that a busy machine does not come near them. */
  readonly limits?: { readonly blocked?: string; readonly timeout?: string };
  readonly reason: string;
  readonly error: RegExp;
}[] = [
  {
    name: "blocks at once",
    limits: { blocked: "1s" },
    body: "for (;;) {}",
    reason: "handler-crash",
    error: /blocked for 1000 ms/,
  },
  {
    name: "blocks after an await",
    limits: { blocked: "1s" },
    body: "await new Promise((resolve) => setTimeout(resolve, 20)); for (;;) {}",
    reason: "handler-crash",
    error: /blocked for 1000 ms/,
  },
  {
    name: "fills the memory at once",
    body: "const all = []; for (;;) all.push(new Array(1000).fill(0.5));",
    reason: "handler-crash",
    error: /out of memory/,
  },
  {
    name: "fills the memory after an await",
    body: "await new Promise((resolve) => setTimeout(resolve, 20)); const all = []; for (;;) all.push(new Array(1000).fill(0.5));",
    reason: "handler-crash",
    error: /out of memory/,
  },
  {
    name: "grows a single array",
    body: "const all: number[] = []; for (;;) all.push(Math.random());",
    reason: "handler-crash",
    error: /out of memory/,
  },
  {
    name: "exits",
    body: "process.exit(3);",
    reason: "handler-crash",
    error: /process.exit\(3\) was called/,
  },
  {
    name: "exits after an await",
    body: "await 1; process.exit();",
    reason: "handler-crash",
    error: /process.exit\(\) was called/,
  },
  {
    name: "ends the thread behind our back",
    body: "await new Promise((resolve) => setTimeout(resolve, 20)); (process as any).reallyExit(7);",
    reason: "handler-crash",
    error: /ended with 7/,
  },
  {
    name: "never ends",
    limits: { timeout: "1s" },
    body: "await new Promise(() => {});",
    reason: "handler-timeout",
    error: /longer than 1000 ms/,
  },
  {
    name: "throws",
    body: 'throw new TypeError("no");',
    reason: "handler-failed",
    error: /^TypeError: no$/,
  },
  {
    name: "throws in a timer",
    body: 'setTimeout(() => { throw new Error("late"); }, 10); await new Promise(() => {});',
    reason: "handler-failed",
    error: /^Error: late$/,
  },
  {
    name: "leaves a rejection behind",
    body: 'void Promise.reject(new Error("stray")); await new Promise(() => {});',
    reason: "handler-failed",
    error: /^Error: stray$/,
  },
];

test.for(misdeeds)(
  "a handler that $name hurts its own message only",
  async ({ body, limits, reason, error }, { vhost, client }) => {
    const { blocked = "30s", timeout = "30s" } = limits ?? {};
    const warren = await startThreaded({
      url: vhost.url,
      topology: topology
        .replace("timeout: 1s", `timeout: ${timeout}`)
        .replace("blocked: 1s", `blocked: ${blocked}`),
      handlers: {
        work: handlerText(
          `if (event.n === 5) { ${body} } log.info({ n: event.n, attempt }, "work");`,
        ),
        other,
      },
    });
    const numbers = Array.from({ length: 20 }, (_, n) => n);
    await Promise.all(
      numbers.flatMap((n) => [
        client.publish("jobs", "x", { n }),
        client.publish("others", "x", { n }),
      ]),
    );
    await vhost.waitForCounts("dead_letters", { ready: 1 });
    await waitFor(() => warren.logged("work").length >= 19, { what: "the others" });
    await waitFor(() => warren.logged("other").length >= 20, { what: "the other queue" });
    await waitFor(() => warren.runner.status().queues.work?.inFlight === 0, { what: "the end" });
    expect(await warren.stop()).toBe(true);
    const innocent = numbers.filter((n) => n !== 5);
    expect(
      [...new Set(warren.logged("work").map(({ n }) => n))].sort((a, b) => Number(a) - Number(b)),
    ).toEqual(innocent);
    const all = [...warren.logged("work"), ...warren.logged("other")];
    expect(new Set(all.map(({ attempt }) => attempt))).toEqual(new Set([1]));
    const [dead, ...more] = await client.peek("dead_letters");
    expect(more).toEqual([]);
    expect(dead?.body).toBe('{"n":5}');
    expect(dead?.headers).toMatchObject({
      "x-warren-reason": reason,
      "x-warren-error": expect.stringMatching(error),
    });
  },
);
