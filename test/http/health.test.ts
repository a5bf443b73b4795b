import { expect, test } from "vitest";
import type { RunnerStatus } from "../../src/runtime/status.ts";
import { startApp, well } from "./app.ts";

const problem = {
  code: "bad-handler",
  message: 'handler "a": x is not defined',
  at: { file: "src/handlers/a.ts", line: 3, column: 1 },
} as const;
const inWords = 'src/handlers/a.ts:3:1 bad-handler  handler "a": x is not defined';
const overdue = 'exchange "jobs": the broker has not confirmed 3 messages in time';

const ills: readonly (readonly [string, Partial<RunnerStatus>, string])[] = [
  ["what is not confirmed in time", { problems: [overdue] }, overdue],
  [
    "a thread that can't be started again",
    { handlers: { ...well.handlers, state: "failing", problems: [problem] } },
    `handlers can't be loaded again: ${inWords}`,
  ],
  [
    "an edit that has to wait",
    { reload: { ...well.reload, pending: "waiting for 2 runs of the former handlers" } },
    "the last edit is not in use yet: waiting for 2 runs of the former handlers",
  ],
  [
    "an edit that is not in use",
    { reload: { ...well.reload, problems: [problem] } },
    `the last edit is not in use: ${inWords}`,
  ],
];

test.for(ills)("%s is no good health, and named in its summary", async ([, ill, summary]) => {
  const app = await startApp();
  app.status = { ...well, ...ill };
  const { body } = await app.request("/health");
  await app.close();
  expect(body).toMatchObject({ status: "degraded", summary, ...ill });
});

test("a paused queue is in good health and ready, and says why it is paused", async () => {
  const pauses = [{ reason: "too often", since: "2026-01-02T03:04:05.000Z", until: null }];
  const app = await startApp();
  app.status = {
    ...well,
    queues: { q: { consumer: "paused", pauses, breaker: null, inFlight: 0 } },
  };
  const { body } = await app.request("/health");
  const ready = await app.request("/readyz");
  await app.close();
  expect(body).toMatchObject({
    status: "ok",
    summary: "connected, topology verified, all consumers live; q is paused: too often",
    queues: { q: { consumer: "paused", pauses } },
  });
  expect(ready.status).toBe(200);
});
