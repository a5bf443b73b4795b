/**
 * Keeps the topology on the broker. Whoever declares holds the project's lock. A runner that is back
 * declares what is missing only while what it applied itself is the newest, and nobody is changing
 * it; else it looks whether what it needs is there, and waits.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { withTries } from "../../apply/change/again.ts";
import type { ApplyReport } from "../../apply/change/results.ts";
import { formatProblem, messageOf, type Problem, WarrenError } from "../../errors.ts";
import type { Log } from "../../handler.ts";
import type { Topology } from "../../topology.ts";
import { backoffMs } from "../backoff.ts";
import type { RunnerStatus } from "../status.ts";
import { loadApplying } from "./applying.ts";
import { missingObjects } from "./existence.ts";
import {
  type Applied,
  assertNewest,
  type Restraint,
  restraintBy,
  restraintOf,
  UNMEANT,
} from "./restraint.ts";

export type DeclaringOptions = {
  /** The one that is in force now. */
  readonly topology: () => Topology;
  /** It never declares: what it needs has to be there. */
  readonly isPassive: boolean;
  /** Who holds the lock meanwhile: `runner@host`. */
  readonly by: string;
  readonly signal: AbortSignal;
  readonly log: Log;
};

/** Until the next look whether what keeps it from declaring is over, in milliseconds. */
const AGAIN_MS = { soon: 1_000, late: 60_000 };

export class Declaring {
  readonly #options: DeclaringOptions;
  #state: RunnerStatus["topology"] = "pending";
  /** In words. */
  #problems: readonly string[] = [];
  #applied: Applied | null = null;
  #verifying: Promise<void> | null = null;
  /** In a row: looks after which it had to wait. */
  #waits = 0;
  #isWaiting = false;

  constructor(options: DeclaringOptions) {
    this.#options = options;
    // Ahead of time; who needs it hears of a failure.
    if (!options.isPassive) loadApplying().catch(() => undefined);
  }

  get status(): Pick<RunnerStatus, "topology" | "topologyGeneration" | "problems"> {
    const topologyGeneration = this.#applied?.generation ?? null;
    return { topology: this.#state, topologyGeneration, problems: this.#problems };
  }

  /**
   * Applies the topology, a few times where the broker ends the connection; else nothing is retried
   * here. What `use` does finds what was just declared, and verifies nothing.
   *
   * @returns what was declared; null: nothing is, ever.
   * @throws {WarrenError} `conflict`, `missing-object`, `broker-refused` with the report as its
   *   message; and whatever `applyTopology` and `use` throw.
   */
  async start(use: () => Promise<void>): Promise<ApplyReport | null> {
    const report = await this.#begin();
    const postponed = report?.entries.find(({ result }) => result === "deferred");
    if (postponed) await this.#look(restraintBy(postponed.detail ?? postponed.name));
    else this.#became("verified", []);
    this.#verifying = Promise.resolve();
    try {
      await use();
    } finally {
      this.#verifying = null;
    }
    return report;
  }

  /** Declares what another topology wants; what is in its way, if anything. */
  async apply(topology: Topology): Promise<readonly Problem[]> {
    const { isPassive, signal, by } = this.#options;
    try {
      if (isPassive) return await missingObjects(topology, signal);
      const { applyTopology, blockingProblems } = await loadApplying();
      const report = await applyTopology(topology, { signal, by, onAgain: this.#sayAgain });
      if (!report.isDone) return blockingProblems(report);
      this.#applied = report;
      this.#became("verified", []);
      return [];
    } catch (error) {
      if (!(error instanceof WarrenError)) throw error;
      const { code, message, at = topology.places.broker } = error;
      return [{ code, message, at }];
    }
  }

  /**
   * Declares what is missing, where it may; one at a time, shared by those who want it at the same
   * time. A conflict is reported, and what is there is used all the same.
   *
   * @throws {WarrenError} what `applyTopology` throws while the broker is away.
   */
  verify(): Promise<void> {
    this.#verifying ??= this.#verify().finally(() => {
      this.#verifying = null;
    });
    return this.#verifying;
  }

  async #begin(): Promise<ApplyReport | null> {
    const { topology, isPassive, signal, by } = this.#options;
    if (isPassive) {
      const options = { signal, onAgain: this.#sayAgain, isRepeatable: () => true };
      const missing = await withTries(options, () => missingObjects(topology(), signal));
      if (missing.length === 0) return null;
      throw new WarrenError("missing-object", missing.map(formatProblem).join("\n"));
    }
    const { applyTopology, blockedError } = await loadApplying();
    const report = await applyTopology(topology(), { signal, by, onAgain: this.#sayAgain });
    if (!report.isDone) throw blockedError(report);
    this.#applied = report;
    return report;
  }

  async #verify(): Promise<void> {
    const restraint = this.#options.isPassive ? UNMEANT : await this.#declare();
    if (restraint) await this.#look(restraint);
    else this.#waits = 0;
  }

  /** Whether what it needs is there. */
  async #look(restraint: Restraint): Promise<void> {
    const { topology, signal } = this.#options;
    const missing = await missingObjects(topology(), signal);
    const reasons = restraint.reason === null ? [] : [restraint.reason];
    const problems = [...reasons, ...missing.map(formatProblem)];
    if (missing.length > 0) this.#became("missing", problems);
    else this.#became(restraint.reason === null ? "verified" : "waiting", problems);
    if (problems.length > 0) void this.#lookAgain(restraint, missing.length > 0);
  }

  /** @returns what keeps it from declaring anything; null: it has declared what was missing. */
  async #declare(): Promise<Restraint | null> {
    const { topology, signal, by, log } = this.#options;
    const { applyTopology, blockingProblems, formatReport } = await loadApplying();
    const onState = (state: Parameters<typeof assertNewest>[0]) =>
      assertNewest(state, this.#applied);
    try {
      const options = { signal, by, lockTimeoutMs: 0, onState };
      const report = await applyTopology(topology(), options);
      const created = report.entries.filter(({ result }) => result === "created").length;
      if (report.isDone) this.#applied = report;
      else log.error({ report: formatReport(report) }, "topology in conflict");
      if (report.isDone && created > 0) log.warn({ created }, "topology declared again");
      const problems = blockingProblems(report).map(formatProblem);
      this.#became(report.isDone ? "verified" : "conflict", problems);
      return null;
    } catch (error) {
      const restraint = restraintOf(error);
      if (!restraint) throw error;
      return restraint;
    }
  }

  readonly #sayAgain = (reason: string, failures: number): void => {
    this.#options.log.warn({ reason, failures }, "topology not applied: trying again");
  };

  #became(state: RunnerStatus["topology"], problems: readonly string[]): void {
    const { log } = this.#options;
    const isSame = state === this.#state && problems.join() === this.#problems.join();
    if (!isSame && (state === "waiting" || state === "missing")) {
      log.warn({ problems }, "topology verified without declaring anything");
    } else if (!isSame && state === "verified" && this.#state !== "pending") {
      log.info({}, "topology verified");
    }
    this.#state = state;
    this.#problems = problems;
  }

  async #lookAgain({ isLong }: Restraint, isMissing: boolean): Promise<void> {
    if (this.#isWaiting) return;
    this.#isWaiting = true;
    const { signal, log } = this.#options;
    const soonMs = AGAIN_MS.soon + backoffMs(this.#waits++);
    const ms = isLong && !isMissing ? AGAIN_MS.late : soonMs;
    await sleep(ms, undefined, { signal }).catch(() => undefined);
    this.#isWaiting = false;
    if (signal.aborted) return;
    // Without a broker there is a new connection to come, which looks for itself.
    await this.verify().catch((error: unknown) => {
      log.debug({ reason: messageOf(error) }, "topology not verified");
    });
  }
}
