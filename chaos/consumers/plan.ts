/** Which messages are sent, and what each tells its handler to do. */
import { createRandom } from "../../test/support/random.ts";
import type { Job, Script } from "./project/src/job.ts";

export const QUEUES = { classic: "classic_jobs", quorum: "quorum_jobs" } as const;
export type QueueType = keyof typeof QUEUES;

/** One message id. */
export type Sent = Job & {
  readonly id: string;
  readonly queue: string;
  /** The broker has confirmed it, and not returned. */
  isConfirmed: boolean;
};

export type PlanOptions = {
  readonly seed: number;
  readonly messages: number;
  /** Messages go to a queue of each in turn. */
  readonly types: readonly QueueType[];
};

/** Of a hundred thousand messages; of few messages at least one for each type of queue. */
const SHARES: Readonly<Record<Exclude<Script, "fine">, number>> = {
  once: 1_000,
  always: 500,
  hang: 200,
  exit: 80,
  die: 20,
};

/**
 * The messages in the order in which they are published.
 *
 * @throws {RangeError} for less than a hundred, in which there is no room for all that can go wrong.
 */
export function planMessages({ seed, messages, types }: PlanOptions): readonly Sent[] {
  if (messages < 100) throw new RangeError("a hundred messages at least");
  const scripts = planScripts(seed, messages, types.length);
  return Array.from({ length: messages }, (_, n) => ({
    id: `${seed}-${n}`,
    n,
    queue: QUEUES[types[n % types.length] ?? "classic"],
    script: scripts.get(n) ?? "fine",
    isConfirmed: false,
  }));
}

/** By position; each script in as many of one queue as of the other. */
function planScripts(seed: number, messages: number, queues: number): ReadonlyMap<number, Script> {
  const random = createRandom(seed);
  const scripts = new Map<number, Script>();
  const rows = Math.floor(messages / queues);
  for (const [script, share] of Object.entries(SHARES) as [Script, number][]) {
    const perQueue = Math.max(1, Math.round((share * messages) / 100_000 / queues));
    for (let queue = 0; queue < queues; queue++) {
      for (let count = 0; count < perQueue; ) {
        const n = random.below(rows) * queues + queue;
        if (scripts.has(n)) continue;
        scripts.set(n, script);
        count += 1;
      }
    }
  }
  return scripts;
}
