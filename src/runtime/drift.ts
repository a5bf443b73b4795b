/** In what the broker differs from the topology in force: looked at, never changed. */
import { setTimeout as sleep } from "node:timers/promises";
import { NO_PERMISSIONS } from "../apply/change/options.ts";
import { inspect } from "../apply/inspect/inspect.ts";
import { desiredObjects } from "../apply/objects.ts";
import { isDifferent, plan } from "../apply/plan/plan.ts";
import { NOTHING_OWNED } from "../apply/state/record.ts";
import { readState } from "../apply/state/state.ts";
import { connectBroker } from "../connect.ts";
import { messageOf } from "../errors.ts";
import type { Log } from "../handler.ts";
import type { Topology } from "../topology.ts";

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
   * @throws {WarrenError} `connection-failed`, `access-refused`, `management-failed`,
   *   `management-refused`, `management-mismatch`, `state-unreadable`, `lock-held`.
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
  const { project, broker } = topology;
  const desired = desiredObjects(topology);
  const connection = await connectBroker({ ...broker, name: `warren ${project} drift`, signal });
  const giveUp = () => connection.destroy("given up");
  signal.addEventListener("abort", giveUp);
  try {
    const state = await readState(connection, project, { signal });
    const live = await inspect(topology, { desired, owned: state?.owned ?? NOTHING_OWNED }, signal);
    const made = plan(desired, live, state, NO_PERMISSIONS, project);
    return {
      at: new Date().toISOString(),
      differences: made.entries.filter(isDifferent).length,
      document: made,
    };
  } finally {
    signal.removeEventListener("abort", giveUp);
    await connection.close();
  }
}
