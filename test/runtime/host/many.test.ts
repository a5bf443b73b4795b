import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "../../support/test.ts";
import { handlerText, startThreaded, type ThreadedRunner } from "../../support/threaded.ts";
import { waitFor } from "../../support/wait-for.ts";
import { pause } from "./jobs.ts";

const QUEUES = Array.from({ length: 10 }, (_, n) => `q${n}`);
const EACH = 2_000;
/** One of q0's messages in two hundred. */
const BAD_EVERY = 200;

const topology = `
defaults: { retry: [200ms], deadLetter: dead, timeout: 3s }
worker: { blocked: 1s, memory: 64MiB }
exchanges: { jobs: { type: direct }, dead: { type: topic } }
queues:
${QUEUES.map((name) => `  ${name}: { bind: { jobs: ${name} }, handler: ${name === "q0" ? "bad" : "good"} }`).join("\n")}
  dead_letters: { bind: { dead: "#" }, handler: none, deadLetter: none }
`;

const fill = "const all = []; for (;;) all.push(new Array(1_000).fill(0.5));";
/** What becomes of the n-th bad message, and why. */
const misdeeds = [
  { body: 'throw new Error("no");', reason: "handler-failed" },
  { body: "for (;;) {}", reason: "handler-crash" },
  { body: "await new Promise(() => {});", reason: "handler-timeout" },
  { body: "process.exit(1);", reason: "handler-crash" },
  { body: fill, reason: "handler-crash" },
  { body: `${pause(5)} throw new Error("no");`, reason: "handler-failed" },
  { body: `${pause(5)} for (;;) {}`, reason: "handler-crash" },
  { body: `${pause(5)} await new Promise(() => {});`, reason: "handler-timeout" },
  { body: `${pause(5)} process.exit(1);`, reason: "handler-crash" },
  { body: `${pause(5)} ${fill}`, reason: "handler-crash" },
];
const isBad = (queue: string, n: number) => queue === "q0" && n % BAD_EVERY === BAD_EVERY / 2;

const done =
  'log.info({ n: event.n, sent: event.at, at: Date.now(), attempt, queue: message.queue }, "done");';
const handlers = {
  good: handlerText(done),
  bad: handlerText(`
    if (event.n % ${BAD_EVERY} === ${BAD_EVERY / 2}) {
      switch (Math.floor(event.n / ${BAD_EVERY})) {
${misdeeds.map(({ body }, index) => `        case ${index}: { ${body} }`).join("\n")}
      }
    }
    ${done}`),
};

test("of 20,000 messages those that misbehave end as dead letters, and nobody else notices for long", {
  timeout: 300_000,
}, async ({ vhost, client }) => {
  const warren = await startThreaded({ url: vhost.url, topology, handlers });
  const deaths = noteDeaths(warren);
  const started = performance.now();
  const lateness: number[] = [];
  for (let n = 0; n < EACH; n++) {
    for (const queue of QUEUES) {
      const body = Buffer.from(JSON.stringify({ n, at: Date.now() }));
      client.channel.publish("jobs", queue, body, { persistent: true });
    }
    // About 600 a second, however late the timer is.
    const due = started + (n + 1) * 16;
    await delay(due - performance.now());
    lateness.push(performance.now() - due);
  }
  await client.channel.waitForConfirms();
  const bad = misdeeds.length;
  await vhost.waitForCounts("dead_letters", { ready: bad });
  const handled = () => new Set(warren.logged("done").map(({ queue, n }) => `${queue} ${n}`));
  const wanted = QUEUES.length * EACH - bad;
  await waitFor((seen) => seen(handled().size) === wanted, { what: "all" });
  const seconds = (performance.now() - started) / 1_000;
  deaths.end();
  await warren.stop();

  const all = warren.logged("done");
  expect(all.filter(({ attempt }) => attempt !== 1)).toEqual([]);
  expect([...handled()].filter((one) => isBad(one.slice(0, 2), Number(one.slice(3))))).toEqual([]);
  const dead = await client.peek("dead_letters");
  const causes = dead.map(({ body, headers }) => ({
    n: Math.floor(JSON.parse(body).n / BAD_EVERY),
    reason: headers["x-warren-reason"],
    queue: headers["x-warren-queue"],
  }));
  expect(causes.sort((a, b) => a.n - b.n)).toEqual(
    misdeeds.map(({ reason }, n) => ({ n, reason, queue: "q0" })),
  );
  const recoveries = deaths.of(all.filter(({ queue }) => queue !== "q0"));
  console.log(
    `20,000 messages in ${seconds.toFixed(1)} s, ${warren.runner.status().handlers.restarts} restarts, ` +
      `${all.length - wanted} repeated; the others were up to date ${recoveries.join(", ")} ms after a death; ` +
      `a timer was ${Math.round(percentile(lateness, 0.9))} ms late (p90)`,
  );
  // Both that block hold up others for a second; those that are quick to die may hold up none.
  expect(recoveries.length).toBeGreaterThanOrEqual(2);
  // Five times longer where this thread itself, which does little, had to wait for a core.
  const scale = percentile(lateness, 0.9) < 50 ? 1 : 5;
  expect(percentile(recoveries, 0.5)).toBeLessThan(1_000 * scale);
  expect(Math.max(...recoveries)).toBeLessThan(5_000 * scale);
});

function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** When threads died that others had runs on; and how long after each the last of those waited. */
function noteDeaths(warren: ThreadedRunner) {
  const times: number[] = [];
  let seen = 0;
  const timer = setInterval(() => {
    const lines = warren.log.slice(seen);
    seen += lines.length;
    for (const { message, inFlight } of lines) {
      if (message === "the handlers' thread died" && Number(inFlight) > 1) times.push(Date.now());
    }
  }, 5);
  const recovery = (death: number, lines: ThreadedRunner["log"]) =>
    Math.max(
      0,
      ...lines
        .filter(({ sent, at }) => Number(sent) <= death && Number(at) > death)
        .map(({ at }) => Number(at) - death),
    );
  return {
    end: () => clearInterval(timer),
    of: (lines: ThreadedRunner["log"]) => times.map((death) => recovery(death, lines)),
  };
}
