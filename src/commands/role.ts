/** What a process does of all that its topology asks for: so publishers and subscribers scale apart. */
import { type Problem, quoted } from "../errors.ts";
import { didYouMean } from "../loader/suggest.ts";
import type { Topology } from "../topology.ts";

export type Role = {
  /** Whether HTTP takes messages; it says how the runner is in any case. */
  readonly publishes: boolean;
  /** The queues that are consumed; null: every one that has a handler. */
  readonly queues: readonly string[] | null;
};

/** As the options of `start` and `dev` say it. */
export type RoleOptions = {
  readonly only?: "http" | "consumers";
  readonly queues?: readonly string[];
};

export function roleOf({ only, queues }: RoleOptions): Role {
  return { publishes: only !== "consumers", queues: only === "http" ? [] : (queues ?? null) };
}

/** Queues that the role names, and that nobody can consume. */
export function roleProblems({ queues }: Role, topology: Topology): readonly Problem[] {
  const all = Object.values(topology.queues);
  const consumed = all.filter(({ handler }) => handler !== null).map(({ name }) => name);
  return (queues ?? []).flatMap((name): readonly Problem[] => {
    if (consumed.includes(name)) return [];
    const parked = all.find((queue) => queue.name === name);
    if (parked) {
      const message = `--queues names ${quoted(name)}, which has no handler`;
      return [{ code: "bad-argument", message, at: parked.at }];
    }
    const hint = didYouMean(name, consumed);
    const message = `--queues names ${quoted(name)}, which is not declared${hint}`;
    return [{ code: "unknown-queue", message, at: { file: topology.file, line: 1, column: 1 } }];
  });
}
