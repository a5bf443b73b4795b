/** In what the broker differs from the topology in force: looked at, never changed. */
import { basename } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { NO_PERMISSIONS } from "../apply/change/options.ts";
import { messageOf, type Place } from "../errors.ts";
import type { Log } from "../handler.ts";
import type { Topology } from "../topology.ts";
import { loadPlanning } from "./recovery/applying.ts";

export type DriftStatus = {
  /** RFC 3339. */
  readonly at: string;
  /** Objects that differ, are missing, or are not in the file though warren made them. */
  readonly differences: number;
};

export type DriftOptions = {
  readonly topology: () => Topology;
  readonly log: Log;
  /** Between two looks of its own, in milliseconds, on average. */
  readonly everyMs?: number;
};

type Looked = DriftStatus & { readonly document: object };

const EVERY_MS = 60_000;
/** Those who ask sooner get the last answer again. */
const FRESH_MS = 5_000;

export class Drift {
  readonly #options: DriftOptions;
  readonly #stopped = new AbortController();
  #watching: Promise<void> = Promise.resolve();
  #looking: Promise<Looked> | null = null;
  #last: Looked | null = null;
  #freshUntil = 0;
  #failure: string | null = null;

  constructor(options: DriftOptions) {
    this.#options = options;
  }

  /** As it was when it was last looked at; null: never. */
  get status(): DriftStatus | null {
    if (!this.#last) return null;
    const { at, differences } = this.#last;
    return { at, differences };
  }

  /**
   * The plan of the topology in force against the broker, as `plan --json` prints it; one at a time.
   *
   * @throws {WarrenError} as `planTopology`.
   */
  async document(): Promise<object> {
    if (this.#last && performance.now() < this.#freshUntil) return this.#last.document;
    return (await this.#look()).document;
  }

  /**
   * Looks now and then, where the management API can tell in one call for each kind of object: over
   * AMQP alone every object would have to be declared again.
   */
  watch(): void {
    this.#watching = this.#watch();
  }

  /** Gives up what is under way. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    await Promise.allSettled([this.#watching, this.#looking]);
  }

  async #watch(): Promise<void> {
    const { everyMs = EVERY_MS, topology } = this.#options;
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      // Runners that were started together don't all ask together.
      const ms = everyMs * (0.5 + Math.random());
      await sleep(ms, undefined, { signal, ref: false }).catch(() => undefined);
      if (signal.aborted || topology().broker.management === null) continue;
      await this.#look().then(
        () => this.#tell(null),
        (error) => this.#tell(messageOf(error)),
      );
    }
  }

  /** A failure is said once. */
  #tell(failure: string | null): void {
    const { log } = this.#options;
    const isOver = this.#stopped.signal.aborted;
    if (failure !== null && failure !== this.#failure && !isOver) {
      log.warn({ reason: failure }, "drift not looked at");
    }
    this.#failure = failure;
  }

  #look(): Promise<Looked> {
    const { topology } = this.#options;
    this.#looking ??= look(topology(), this.#stopped.signal)
      .then((looked) => this.#took(looked))
      .finally(() => {
        this.#looking = null;
      });
    return this.#looking;
  }

  #took(looked: Looked): Looked {
    const before = this.#last?.differences ?? 0;
    const { differences } = looked;
    this.#last = looked;
    this.#freshUntil = performance.now() + FRESH_MS;
    const { log } = this.#options;
    if (differences > 0 && before === 0) log.warn({ differences }, "the broker has drifted");
    else if (differences === 0 && before > 0) log.info({}, "the broker has drifted no more");
    return looked;
  }
}

async function look(topology: Topology, signal: AbortSignal): Promise<Looked> {
  const { planTopology, planDocument, isDifferent } = await loadPlanning();
  const looked = await planTopology(topology, NO_PERMISSIONS, signal);
  const document = planDocument(looked, NO_PERMISSIONS);
  return {
    at: new Date().toISOString(),
    differences: looked.plan.entries.filter(isDifferent).length,
    document: {
      ...document,
      entries: document.entries.map(withoutFolder),
      exclusive: document.exclusive.map(withoutFolder),
    },
  };
}

/** Whoever asks over HTTP need not know where the file lies. */
function withoutFolder<T extends { readonly at: Place | null }>(entry: T): T {
  const { at } = entry;
  return at === null ? entry : { ...entry, at: { ...at, file: basename(at.file) } };
}
