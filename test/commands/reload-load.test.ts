import { once } from "node:events";
import { readFileSync } from "node:fs";
import { Agent, request } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import type { Project } from "../support/project.ts";
import { expect, test } from "../support/test.ts";
import { waitFor } from "../support/wait-for.ts";
import { type Running, run } from "./running.ts";

const RELOAD_MS = 300;
const SECONDS = 30;
const PER_SECOND = 200;
/** On a slow machine they take longer than the time; there are no fewer. */
const MESSAGES = 0.8 * PER_SECOND * SECONDS;
const QUEUES = ["classic", "quorum", "wide", "narrow", "ordered_classic", "ordered_quorum"];

const topology = (url: string) => `version: 1
project: reload
broker: { url: "${url}" }
http: { port: 0 }
defaults: { deadLetter: dead, retry: [100ms], timeout: 5s }
exchanges: { work: { type: direct }, dead: { type: topic } }
queues:
  classic: { type: classic, bind: { work: classic }, handler: work }
  quorum: { bind: { work: quorum }, handler: work }
  wide: { bind: { work: wide }, handler: work, concurrency: 10, prefetch: 100 }
  narrow: { type: classic, bind: { work: narrow }, handler: work, concurrency: 2, prefetch: 50 }
  ordered_classic: { type: classic, bind: { work: ordered_classic }, handler: work, ordered: true }
  ordered_quorum: { bind: { work: ordered_quorum }, handler: work, ordered: true }
  dead_letters: { bind: { dead: "#" }, handler: none, deadLetter: none }
`;

/**
 * Takes some milliseconds, so that reloads meet messages in flight; some fail once. As long as its
 * thread lives, it says so.
 */
const handler = `import { appendFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { threadId } from "node:worker_threads";
import { defineHandler } from "warren";
import { version } from "../version.ts";

const live = () => appendFileSync("alive.log", threadId + " " + process.hrtime.bigint() + "\\n");
setInterval(live, 20).unref();
live();

export default defineHandler<never>(async ({ n }: { n: number }, { log, attempt }) => {
  await delay(n % 5);
  if (n % 50 === 7 && attempt === 1) throw new Error("once");
  log.info({ n, version }, "handled");
});
`;

/** The same for all who work on it: first the saves end, and once the last is in force the load. */
type Time = { savesAreOver: boolean; isOver: boolean };

type Handled = { readonly queue: string; readonly n: number; readonly version: number };

test("reloads every 300 ms under 200 messages a second lose nothing, repeat nothing and keep the order", async ({
  vhost,
  createProject,
  startCli,
}) => {
  const project = await createProject({
    topology: topology(vhost.url),
    handlers: { work: handler },
  });
  await project.write("src/version.ts", "export const version = 1;\n");
  const warren = await run(startCli, project);
  const { url } = warren.lines("ready")[0] as { url: string };
  const handled = () => warren.lines("handled") as unknown as readonly Handled[];
  const untilHandledBy = (saved: number) =>
    waitFor(() => handled().some(({ version }) => version === saved), {
      what: `a message handled by version ${saved}, the last save`,
      everyMs: 200,
    });
  const time = { savesAreOver: false, isOver: false };
  const [saved, memory, ...sent] = await Promise.all([
    saveOften(project, time)
      .then(async (last) => {
        await untilHandledBy(last);
        return last;
      })
      .finally(() => {
        time.isOver = true;
      }),
    watchMemory(warren, () => handled().length >= MESSAGES).finally(() => {
      time.savesAreOver = true;
    }),
    ...QUEUES.map((queue) => publishSteadily(url, queue, time)),
  ]);
  const total = sent.reduce((sum, count) => sum + count, 0);
  await waitFor((seen) => seen(handled().length) >= total, {
    what: `${total} messages to be handled`,
    everyMs: 500,
  });
  expect(await warren.stop()).toBe(0);
  await vhost.waitForCounts("dead_letters", { ready: 0 });

  const runsOf = (queue: string) => handled().filter((one) => one.queue === queue);
  for (const [index, queue] of QUEUES.entries()) {
    const numbers = runsOf(queue).map(({ n }) => n);
    const isOrdered = queue.startsWith("ordered");
    const expected = Array.from({ length: sent[index] ?? 0 }, (_, n) => n);
    expect(isOrdered ? numbers : numbers.toSorted((a, b) => a - b), queue).toEqual(expected);
  }
  for (const queue of ["ordered_classic", "ordered_quorum"]) {
    const versions = runsOf(queue).map(({ version }) => version);
    expect(versions, queue).toEqual(versions.toSorted((a, b) => a - b));
  }
  const generations = warren.lines("reloaded").map(({ generation }) => generation);
  expect(generations).toEqual(generations.map((_, index) => index + 2));
  const versions = [...new Set(handled().map(({ version }) => version))];
  expect(versions).toEqual(versions.toSorted((a, b) => a - b));
  expect(versions.every((version) => version >= 1 && version <= saved)).toBe(true);
  // The broker may pause for as long as one generation lives.
  expect(versions.length).toBeGreaterThanOrEqual(0.8 * (generations.length + 1));
  expect(versions.length).toBeLessThanOrEqual(generations.length + 1);
  expect(mostAtOnce(readFileSync(project.path("alive.log"), "utf8"))).toBeLessThanOrEqual(2);
  expect(warren.lines("not reloaded")).toEqual([]);
  const { early, late } = memory;
  console.log(
    `${total} messages, ${saved} saves, ${generations.length} reloads ` +
      `(median ${median(warren.lines("reloaded").map(({ ms }) => Number(ms)))} ms), ` +
      `${versions.length} versions seen; RSS ${early} MiB after 10 reloads, ${late} MiB at the end`,
  );
  expect(late).toBeLessThan(early * 1.25);
}, 400_000);

/** @returns the last version. */
async function saveOften(project: Project, time: Time): Promise<number> {
  let version = 1;
  while (!time.savesAreOver) {
    version += 1;
    await project.write("src/version.ts", `export const version = ${version};\n`);
    await delay(RELOAD_MS);
  }
  return version;
}

/** Resolves when the time is over, and with it at least twenty reloads and what `isEnough`. */
async function watchMemory(warren: Running, isEnough: () => boolean) {
  const end = performance.now() + SECONDS * 1_000;
  const reloads = (wanted: number) =>
    waitFor((seen) => seen(warren.lines("reloaded").length) >= wanted, {
      what: `${wanted} reloads`,
      timeoutMs: 4 * SECONDS * 1_000,
      everyMs: 200,
    });
  await reloads(10);
  const early = await leastResidentMiB(warren, 15);
  await reloads(20);
  await delay(Math.max(0, end - performance.now()));
  await waitFor(isEnough, { what: `${MESSAGES} messages`, everyMs: 200 });
  return { early, late: await leastResidentMiB(warren, warren.lines("reloaded").length + 5) };
}

/** Until there are so many reloads: in between a thread may be coming or going. */
async function leastResidentMiB(warren: Running, reloads: number): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  await waitFor(
    (seen) => {
      least = Math.min(least, residentMiB(warren.process.pid));
      return seen(warren.lines("reloaded").length) >= reloads;
    },
    { what: `${reloads} reloads`, everyMs: 50 },
  );
  return least;
}

/** The most threads that were alive at the same time, by the times at which they said so. */
function mostAtOnce(log: string): number {
  const lives = new Map<string, { readonly from: number; to: number }>();
  for (const line of log.trim().split("\n")) {
    const [thread = "", time] = line.split(" ");
    const at = Number(time) / 1e6;
    const life = lives.get(thread);
    if (life) life.to = at;
    else lives.set(thread, { from: at, to: at });
  }
  const all = [...lives.values()];
  return Math.max(
    ...all.map(({ from }) => all.filter((life) => life.from <= from && from <= life.to).length),
  );
}

function residentMiB(pid: number): number {
  const [, kiB] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  return Math.round(Number(kiB) / 1024);
}

/** One after another, so that their order is known. @returns how many. */
async function publishSteadily(url: string, queue: string, time: Time): Promise<number> {
  const agent = new Agent({ keepAlive: true });
  const begin = performance.now();
  let n = 0;
  while (!time.isOver) {
    const due = begin + (n * 1_000 * QUEUES.length) / PER_SECOND;
    await delay(Math.max(0, due - performance.now()));
    const call = request(`${url}/publish`, {
      agent,
      method: "POST",
      headers: { "content-type": "application/json" },
    });
    call.end(JSON.stringify({ exchange: "work", routing_key: queue, message: { n } }));
    const [answer] = await once(call, "response");
    answer.resume();
    await once(answer, "end");
    if (answer.statusCode !== 202) throw new Error(`publish answered ${answer.statusCode}`);
    n += 1;
  }
  agent.destroy();
  return n;
}

function median(values: readonly number[]): number | undefined {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
}
