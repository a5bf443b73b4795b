/** One run: messages that fail in every way, one runner, and an account of each message. */
import { fileURLToPath } from "node:url";
import { type Client, openClient } from "../../test/support/client.ts";
import { type RabbitNode, startNode } from "../../test/support/node.ts";
import type { Project } from "../../test/support/project.ts";
import { waitFor } from "../../test/support/wait-for.ts";
import { now } from "../clock.ts";
import { Fleet } from "../fleet.ts";
import { drainQueues } from "../foreigner.ts";
import { RunsFile } from "../ledger.ts";
import type { Report } from "../telling.ts";
import { createWorkspace, RUNS_FILE } from "../workspace.ts";
import { prepareBlock } from "./block.ts";
import { type Evidence, HELD } from "./evidence.ts";
import { type PlanOptions, planMessages, QUEUES, type Sent } from "./plan.ts";
import type { JobRun } from "./project/src/job.ts";
import { publishAll } from "./publisher.ts";
import { report } from "./report.ts";

export type TrialOptions = PlanOptions & {
  /** So long the broker takes no messages, once a third is handled; 0: it always does. */
  readonly blockSeconds: number;
  /** Keeps the project's folder also when all is well. */
  readonly keep?: boolean;
  /** Says what happens while it happens. */
  readonly note: (text: string) => void;
};

const PROJECT = fileURLToPath(new URL("project", import.meta.url));
const WORK_AND_DELAY_QUEUES = [
  ...Object.values(QUEUES),
  "warren.consumers.retry.200ms",
  "warren.consumers.retry.500ms",
];
/** Nothing was handled or dead for so long: it will not come any more. */
const PATIENCE_MS = 120_000;
const LOOK_MS = 250;
const NOTE_MS = 10_000;

type Stage = {
  readonly project: Project;
  readonly node: RabbitNode;
  readonly client: Client;
  readonly fleet: Fleet;
  readonly runs: RunsFile<JobRun>;
};

/** Runs once, on a broker of its own. Of a failed run the project's folder is kept, with all the evidence. */
export async function runTrial(options: TrialOptions): Promise<Report> {
  const { note } = options;
  const project = await createWorkspace(PROJECT);
  const node = await startNode({ name: "warren-consumers" });
  const client = await openClient(node.amqpUrl, "observer");
  const fleet = new Fleet({ project, brokerUrl: node.amqpUrl, command: "start", note });
  const runs = new RunsFile<JobRun>(project.path(RUNS_FILE));
  let isPass = false;
  try {
    const evidence = await perform({ project, node, client, fleet, runs }, options);
    await project.write("evidence.json", JSON.stringify(evidence));
    const told = report(evidence);
    isPass = told.isPass;
    return told;
  } finally {
    await fleet.kill();
    await client.close();
    await node.stop();
    if (isPass && !options.keep) await project.remove();
    else {
      await fleet.writeLogs();
      note(`kept: ${project.folder}`);
    }
  }
}

async function perform(stage: Stage, options: TrialOptions): Promise<Evidence> {
  const { fleet, node, project, runs } = stage;
  const { seed, messages, blockSeconds, note } = options;
  const { process: runner } = await fleet.start();
  note(`a runner of ${project.folder} is ready, on RabbitMQ ${node.version}`);
  const blocker = blockSeconds === 0 ? null : await prepareBlock(node, note);
  const sent = planMessages(options);
  const publishing = publishAll(node.amqpUrl, sent).then(
    () => note(`${messages} messages are confirmed`),
    (error: unknown) => fleet.troubles.push(`publish: ${error}`),
  );
  const isFelt = () => runner.stdout.includes(HELD);
  const blocking =
    blocker &&
    untilRuns(runs, messages / 3)
      .then(() => blocker.block(blockSeconds, isFelt))
      .catch((error: unknown) => {
        fleet.troubles.push(`block: ${error}`);
        return null;
      });
  const isDone = await untilDone(stage, sent, note);
  const block = await blocking;
  await publishing;
  await fleet.sample();
  await fleet.stop();
  note("the runner has ended");
  return {
    seed,
    version: node.version,
    sent,
    runs: (await runs.read()).runs,
    ...(await drainQueues(node.amqpUrl, WORK_AND_DELAY_QUEUES)),
    block,
    isDone,
    troubles: fleet.troubles,
    log: countMessages(runner.stdout),
    samples: fleet.samples,
  };
}

async function untilRuns({ runs }: RunsFile<JobRun>, count: number): Promise<void> {
  await waitFor((seen) => seen(runs.length) >= count, {
    everyMs: LOOK_MS,
    timeoutMs: PATIENCE_MS,
    what: `${count} runs`,
  });
}

/** @returns whether every message was handled, or is a dead letter, before patience was over. */
async function untilDone(
  { client, fleet, runs: file }: Stage,
  sent: readonly Sent[],
  note: (text: string) => void,
): Promise<boolean> {
  const handled = new Set<string>();
  let [looked, known, since, noted] = [0, 0, now(), now()];
  const hasEnded = async () => {
    const { runs } = await file.read();
    for (const { id, outcome } of runs.slice(looked)) if (outcome === "handled") handled.add(id);
    looked = runs.length;
    const dead = (await client.queueCounts("dead_letters"))?.ready ?? 0;
    const ended = handled.size + dead;
    if (ended > known) since = now();
    known = ended;
    if (now() - noted < NOTE_MS) return ended >= sent.length;
    noted = now();
    note(`${handled.size} handled, ${dead} dead, of ${sent.length}`);
    await fleet.sample();
    return ended >= sent.length;
  };
  return await waitFor(
    async () => {
      if (await hasEnded()) return "done";
      return now() - since > PATIENCE_MS ? "over" : null;
    },
    { everyMs: LOOK_MS, timeoutMs: Number.POSITIVE_INFINITY, what: "every message to end" },
  ).then((end) => end === "done");
}

/** Of a log in lines of JSON. */
function countMessages(log: string): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const [, message = ""] of log.matchAll(/"msg":"([^"]*)"/g)) {
    counts[message] = (counts[message] ?? 0) + 1;
  }
  return counts;
}
