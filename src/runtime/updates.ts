/** Takes one update after another, and remembers what became of the last. */
import { isDeepStrictEqual } from "node:util";
import type { Digests } from "../digest.ts";
import { formatPlace, type Problem } from "../errors.ts";
import type { Log } from "../handler.ts";
import type { Topology } from "../topology.ts";
import type { RunnerStatus } from "./status.ts";

/** What is to run from now on; or why what was written can't. */
export type Edition =
  | {
      readonly ok: true;
      readonly topology: Topology;
      /**
       * Whether what was loaded is what was meant to be, and not half of it; yes, unless said.
       * `isSound`: it can be run.
       */
      readonly isWhole?: (files: Digests, isSound: boolean) => Promise<boolean>;
    }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/**
 * `files` is what was loaded for it, as far as it came.
 *
 * | status    | what runs |
 * |-----------|-----------|
 * | updated   | the new edition |
 * | refused   | what ran before, because of the problems |
 * | discarded | what ran before: the files were not whole, or the runner stops |
 */
export type Updated =
  | {
      readonly status: "updated";
      readonly files: Digests;
      readonly generation: number;
      /** Queues that are consumed now, and queues that are no longer. */
      readonly added: readonly string[];
      readonly removed: readonly string[];
    }
  | {
      readonly status: "refused";
      readonly files: Digests;
      readonly problems: readonly Problem[];
    }
  | { readonly status: "discarded"; readonly files: Digests };

export type UpdatesOptions = {
  readonly replace: (edition: Edition) => Promise<Updated>;
  readonly log: Log;
};

export class Updates {
  readonly #options: UpdatesOptions;
  #running: Promise<unknown> = Promise.resolve();
  #waiting: Promise<Updated> | null = null;
  #newest: Edition | null = null;
  #at = new Date();
  #problems: readonly Problem[] = [];

  constructor(options: UpdatesOptions) {
    this.#options = options;
  }

  get status(): Pick<RunnerStatus["reload"], "at" | "problems"> {
    return { at: this.#at.toISOString(), problems: this.#problems };
  }

  /** Of those that are asked for while one runs, only the newest is taken; all hear what it became. */
  update(edition: Edition): Promise<Updated> {
    this.#newest = edition;
    this.#waiting ??= this.#running.then(() => {
      this.#waiting = null;
      const updating = this.#update(this.#newest ?? edition);
      this.#running = updating.catch(() => undefined);
      return updating;
    });
    return this.#waiting;
  }

  async #update(edition: Edition): Promise<Updated> {
    const { log, replace } = this.#options;
    const started = performance.now();
    const updated = await replace(edition);
    if (updated.status === "updated") {
      this.#at = new Date();
      this.#problems = [];
      const { generation, added, removed } = updated;
      const ms = Math.round(performance.now() - started);
      log.info({ generation, added, removed, ms }, "reloaded");
    } else if (updated.status === "refused") {
      const { problems } = updated;
      // The broker is still away: it was said when it was first asked.
      const isKnown = isDeepStrictEqual(problems, this.#problems) && problems.every(isAway);
      this.#problems = problems;
      for (const { code, message, at } of isKnown ? [] : problems) {
        log.error({ at: formatPlace(at), code, reason: message }, "not reloaded");
      }
    }
    return updated;
  }
}

/** An edit that is good as far as anybody could tell: it is worth another try. */
export function isAway({ code }: Problem): boolean {
  return code === "connection-failed";
}
