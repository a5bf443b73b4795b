/** One run: messages flow, faults happen, calm returns, and everything is accounted for. */
import { setTimeout as sleep } from "node:timers/promises";
import { openManagement } from "../test/support/management.ts";
import { startNode } from "../test/support/node.ts";
import type { Project } from "../test/support/project.ts";
import { startProxy } from "../test/support/proxy.ts";
import { waitFor } from "../test/support/wait-for.ts";
import { now } from "./clock.ts";
import { Editor } from "./editor.ts";
import type { Evidence } from "./evidence.ts";
import type { World } from "./fault.ts";
import { type Command, Fleet } from "./fleet.ts";
import { drainQueues, sendInvalid, WORK_AND_DELAY_QUEUES } from "./foreigner.ts";
import { Generator } from "./generator.ts";
import { RunsFile } from "./ledger.ts";
import { play } from "./play.ts";
import { report } from "./report.ts";
import type { Schedule } from "./schedule.ts";
import { SettlementLedger } from "./settlements.ts";
import type { Report } from "./telling.ts";
import { createWorkspace, RUNS_FILE } from "./workspace.ts";

export type ChaosOptions = {
  readonly seed: number;
  /** Of faults; longer when the schedule takes longer. */
  readonly seconds: number;
  /** Messages a second. */
  readonly rate: number;
  readonly schedule: Schedule;
  readonly warmUpMs: number;
  /** Calm has returned when nothing was handled for so long. */
  readonly quietMs: number;
  /** Keeps the project's folder also when all is well. */
  readonly keep?: boolean;
  /** Says what happens while it happens. */
  readonly note: (text: string) => void;
};

const QUIESCE_TIMEOUT_MS = 60_000;
const SAMPLE_MS = 500;
/** After this part of the time no handler hangs any more, so that the end is not waited for. */
const CALM_PART = 0.6;

/** Everything that was opened, to be closed whatever happens. */
type Stage = World & { readonly project: Project; readonly wire: SettlementLedger };

/**
 * Runs once, on a broker of its own. Of a failed run the project's folder is kept, with all the
 * evidence and the runners' logs.
 */
export async function runChaos(options: ChaosOptions): Promise<Report> {
  const { note } = options;
  const project = await createWorkspace();
  const wire = new SettlementLedger();
  const node = await startNode({ name: "warren-chaos" });
  const proxy = await startProxy(Number(new URL(node.amqpUrl).port), { openTap: wire.openTap });
  const brokerUrl = proxy.url(node.amqpUrl);
  const fleet = new Fleet({ project, brokerUrl, command: commandFor(options), note });
  const runs = new RunsFile(project.path(RUNS_FILE));
  const editor = await Editor.open(project);
  let isPass = false;
  try {
    const stage = { project, node, proxy, wire, fleet, runs, editor };
    const evidence = await perform(stage, options);
    await project.write("evidence.json", JSON.stringify(evidence, mapsAsEntries));
    const told = report(evidence);
    isPass = told.isPass;
    return told;
  } finally {
    await fleet.kill();
    await proxy.close();
    await node.stop();
    if (isPass && !options.keep) await project.remove();
    else {
      await fleet.writeLogs();
      note(`kept: ${project.folder}`);
    }
  }
}

function mapsAsEntries(_key: string, value: unknown): unknown {
  return value instanceof Map ? [...value] : value;
}

/** topology.yaml is followed by `dev` alone. */
function commandFor({ schedule }: ChaosOptions): Command {
  const planned = Object.values(schedule).flat();
  return planned.some(({ fault }) => fault.isForDev) ? "dev" : "start";
}

async function perform(stage: Stage, options: ChaosOptions): Promise<Evidence> {
  const { fleet, node, project, runs } = stage;
  const { seed, rate, note } = options;
  await fleet.start();
  note(`a runner of ${project.folder} is ready, on RabbitMQ ${node.version}`);
  const generator = new Generator({ seed, rate, targets: () => fleet.urls });
  const over = new AbortController();
  const { signal } = over;
  const everyMs = 1_000_000 / rate;
  const background = Promise.all([
    generator.run(signal),
    sendInvalid(node.amqpUrl, { everyMs, signal, sent: generator.sent }),
    sampleUntil(signal, fleet),
  ]);
  const inflicted = await inflictAll(stage, generator, options).finally(() => over.abort());
  await background;
  note("no more faults and no new messages");
  const isQuiet = await quiesce(runs, generator, options.quietMs);
  return {
    seed,
    ...inflicted,
    ...(await conclude(stage, generator, note)),
    runs: (await runs.read()).runs,
    isQuiet,
  };
}

type Inflicted = Pick<Evidence, "faults" | "phases">;

async function inflictAll(
  stage: Stage,
  generator: Generator,
  { warmUpMs, seconds, schedule, note }: ChaosOptions,
): Promise<Inflicted> {
  await sleep(warmUpMs);
  const faultsBegan = now();
  const calm = setTimeout(() => generator.calmDown(), seconds * CALM_PART * 1_000);
  const faults = await play(schedule, stage, note);
  clearTimeout(calm);
  await sleep(Math.max(0, faultsBegan + seconds * 1_000 - now()));
  return { faults, phases: { faultsBegan, faultsEnded: now() } };
}

/** Ends the runners, and looks at what is left. */
async function conclude(
  { fleet, node, wire }: Stage,
  generator: Generator,
  note: (text: string) => void,
): Promise<Omit<Evidence, "seed" | "faults" | "phases" | "runs" | "isQuiet">> {
  const unacked = await countUnacked(node.managementUrl);
  const ills = await fleet.ills();
  await generator.abandon();
  // The sockets that the generator has closed are closed on the other side as well, by then.
  await sleep(SAMPLE_MS);
  await fleet.sample();
  await fleet.stop();
  note("all runners have ended");
  return {
    sent: generator.sent,
    answers: generator.answers,
    wire,
    ...(await drainQueues(node.amqpUrl, WORK_AND_DELAY_QUEUES)),
    unacked,
    troubles: [...fleet.troubles, ...ills],
    exits: fleet.exits,
    samples: fleet.samples,
  };
}

async function sampleUntil(signal: AbortSignal, fleet: Fleet): Promise<void> {
  while (!signal.aborted) {
    await fleet.sample();
    await sleep(SAMPLE_MS, undefined, { signal }).catch(() => undefined);
  }
}

/** @returns whether nothing was handled for `quietMs`, and every message had its answer. */
async function quiesce(file: RunsFile, generator: Generator, quietMs: number): Promise<boolean> {
  let known = 0;
  let since = now();
  for (const deadline = now() + QUIESCE_TIMEOUT_MS; now() < deadline; await sleep(100)) {
    const count = (await file.read()).runs.length;
    if (count !== known || generator.open > 0) since = now();
    known = count;
    if (now() - since >= quietMs) return true;
  }
  return false;
}

/** The broker's own count is a little late: the last one that is seen within some seconds. */
async function countUnacked(managementUrl: string): Promise<number> {
  const management = openManagement(managementUrl);
  let unacked = 0;
  const isNone = async () => {
    const queues = await management.get<{ messages_unacknowledged?: number }[]>("queues");
    unacked = (queues ?? []).reduce((sum, one) => sum + (one.messages_unacknowledged ?? 0), 0);
    return unacked === 0;
  };
  await waitFor(isNone, { everyMs: 200, what: "nothing unacknowledged" }).catch(() => undefined);
  return unacked;
}
