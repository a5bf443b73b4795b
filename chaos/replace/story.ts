/**
 * A queue is replaced, and the process that does it is killed after each of its steps, while messages
 * are published to it and consumed by a runner of the old file. Then everything is accounted for.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { within } from "../../src/within.ts";
import { startProcess } from "../../test/support/processes.ts";
import { type Project, writeProject } from "../../test/support/project.ts";
import { fileOf, startRunner } from "../../test/support/runner.ts";
import type { Vhost } from "../../test/support/vhost.ts";
import { waitFor } from "../../test/support/wait-for.ts";
import { openPublisher } from "./publisher.ts";

/** The keys of a queue in topology.yaml, before and after. */
export const PAIRS = {
  c2c: ["type: classic", "type: classic, ttl: 1h"],
  c2q: ["type: classic", "type: quorum"],
  q2q: ["type: quorum", "type: quorum, ttl: 1h"],
  q2c: ["type: quorum", "type: classic"],
} as const;

/** Where it is killed: at the n-th report of a step. The last one ends well. */
export const STOPS = [
  { step: 1, times: 1, when: "before the journal is written" },
  { step: 2, times: 1, when: "when the journal is written" },
  { step: 3, times: 1, when: "when the other queue is declared" },
  { step: 4, times: 1, when: "when the bindings are moved" },
  { step: 4, times: 3, when: "while messages are moved" },
  { step: 5, times: 1, when: "when the queue is seen empty" },
  { step: 6, times: 1, when: "before the queue is deleted" },
  { step: 6, times: 3, when: "when the queue is deleted" },
  { step: 7, times: 1, when: "when the new queue is declared" },
  { step: 8, times: 1, when: "when the bindings are back" },
  { step: 8, times: 3, when: "while messages are moved back" },
  { step: 9, times: 1, when: "when the other queue is deleted" },
] as const;

export type StoryOptions = {
  readonly vhost: Vhost;
  readonly pair: keyof typeof PAIRS;
  /** In the queue before. */
  readonly messages: number;
  /** Published a second meanwhile. */
  readonly rate: number;
  /** After each step; or so often, each time somewhere. */
  readonly kills: "steps" | number;
  readonly note: (text: string) => void;
};

export type Account = {
  readonly kills: number;
  readonly confirmed: number;
  /** Confirmed, and handled by nobody. */
  readonly lost: readonly string[];
  /** Returned or refused publishes. */
  readonly failed: readonly string[];
  /** Handled more than once. */
  readonly duplicates: number;
  /** What apply said of the replacement at the end. */
  readonly said: string;
  /** What another apply has still to do. */
  readonly pending: string;
};

const UNTIL = fileURLToPath(new URL("until.ts", import.meta.url));
/** Of a handler, while the queue is replaced: so its backlog lasts. */
const SLOW_MS = 100;
/** Of a process that applies, until it is connected; and how long it may live then. */
const BOOT_MS = 700;
const RANDOM_MS = 3_000;

export async function tellStory(options: StoryOptions): Promise<Account> {
  const { vhost, pair, messages, rate, note, kills } = options;
  const [before, after] = PAIRS[pair].map((keys) => topologyOf(keys));
  const handled = new Map<string, number>();
  let handlerMs = SLOW_MS;
  const handle = async (
    _event: never,
    { message }: { readonly message: { readonly id: string } },
  ) => {
    handled.set(message.id, (handled.get(message.id) ?? 0) + 1);
    await sleep(handlerMs);
  };
  const broker = { url: vhost.url, management: vhost.managementUrl };
  const runner = await startRunner({
    topology: before ?? "",
    handlers: { work: handle },
    ...broker,
  });
  const project = await writeProject({
    topology: fileOf({ topology: after ?? "", ...broker }),
    handlers: { work: "" },
  });
  const publisher = await openPublisher(vhost.url, "jobs");
  try {
    await publisher.burst(messages);
    publisher.start(rate);
    const killed =
      kills === "steps"
        ? await killAtSteps(project, note)
        : await killAnywhere(project, kills, note);
    const said = await untilDone(project);
    note(said);
    const pending = await untilDone(project);
    await publisher.stop();
    handlerMs = 0;
    const lost = () => [...publisher.confirmed].filter((id) => !handled.has(id));
    await waitFor((seen) => seen(lost().length) === 0, {
      what: "everything to be handled",
      timeoutMs: 120_000,
    }).catch(() => undefined);
    const runs = [...handled.values()].reduce((sum, count) => sum + count, 0);
    return {
      kills: killed,
      confirmed: publisher.confirmed.size,
      lost: lost(),
      failed: publisher.failed,
      duplicates: runs - handled.size,
      said,
      pending,
    };
  } finally {
    await publisher.stop();
    await runner.stop();
    await project.remove();
  }
}

function topologyOf(keys: string): string {
  return `
exchanges: { jobs: { type: topic } }
queues:
  work: { bind: { jobs: "#" }, handler: work, retry: none, deadLetter: none, concurrency: 5, ${keys} }
`;
}

async function killAtSteps(project: Project, note: StoryOptions["note"]): Promise<number> {
  for (const { step, times, when } of STOPS) {
    const at = await killAt(project, [String(step), String(times)]);
    note(`killed ${when}: ${at}`);
  }
  return STOPS.length;
}

/** An apply that was faster ends it. @returns how many were killed. */
async function killAnywhere(
  project: Project,
  times: number,
  note: StoryOptions["note"],
): Promise<number> {
  for (let killed = 0; killed < times; killed++) {
    const applying = startUntil(project, []);
    const ms = Math.round(BOOT_MS + Math.random() * RANDOM_MS);
    const exit = await within(applying.exit, ms, null);
    if (exit !== null) {
      note(`ended within ${ms} ms`);
      return killed;
    }
    applying.kill("SIGKILL");
    await applying.exit;
    note(`killed after ${ms} ms`);
  }
  return times;
}

/** @returns where it stood. @throws {Error} with its output, if it ends before. */
async function killAt(project: Project, stop: readonly string[]): Promise<string> {
  const applying = startUntil(project, stop);
  try {
    return await applying.waitForLine(/^at /);
  } finally {
    applying.kill("SIGKILL");
    await applying.exit;
  }
}

/** @returns what it said of queues. */
async function untilDone(project: Project): Promise<string> {
  const applying = startUntil(project, []);
  const exit = await applying.exit;
  if (exit !== 0)
    throw new Error(`apply ended with ${exit}:\n${applying.stdout}${applying.stderr}`);
  return /^.*replaced.*$/m.exec(applying.stdout)?.[0]?.trim() ?? "";
}

function startUntil(project: Project, stop: readonly string[]) {
  const source = ["--conditions=warren-source", "--import", import.meta.resolve("tsx")];
  return startProcess(process.execPath, [...source, UNTIL, project.path("topology.yaml"), ...stop]);
}
