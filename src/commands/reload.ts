import { readFileSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { ABSENT, type Digests, digestOf } from "../digest.ts";
import { type Loaded, load } from "../loader/load.ts";
import { Watcher } from "../loader/watch.ts";
import { NUMBERS } from "../numbers.ts";
import type { Runner } from "../runtime/runner.ts";
import { isAway, type Updated } from "../runtime/updates.ts";
import type { Topology } from "../topology.ts";
import type { Context } from "./command.ts";
import type { Embedded } from "./embedded.ts";
import { type Role, roleProblems } from "./role.ts";

/** An edit that the broker could not be asked about is tried again after so long, in milliseconds. */
const RETRY_MS = 5_000;

export type ReloaderOptions = {
  readonly isDev: boolean;
  /** To which every topology is held that asks for it. */
  readonly embedded: Embedded;
  readonly role: Role;
  /** An edit is in force, with this topology. */
  readonly onUpdated: (topology: Topology) => void;
};

/**
 * Follows the files of a project: what is saved runs from the next message on. Handlers, what they
 * import and schemas always; topology.yaml itself with `isDev` alone, else it stays as it was first
 * read, so that nobody's unfinished edit is taken.
 */
export class Reloader {
  readonly #context: Context;
  readonly #isDev: boolean;
  readonly #embedded: Embedded;
  readonly #role: Role;
  readonly #onUpdated: ReloaderOptions["onUpdated"];
  readonly #watcher: Watcher;
  #text: string | undefined;
  #runner: Runner | null = null;
  /** What runs was loaded from these. */
  #files: Digests = new Map();
  #isReloading = false;
  #isAsked = false;
  #isClosed = false;
  /** Updates in a row whose files had changed before they were loaded. */
  #discarded = 0;
  #retry: NodeJS.Timeout | undefined;
  #onChange: () => void = () => undefined;

  constructor(context: Context, { isDev, embedded, role, onUpdated }: ReloaderOptions) {
    this.#context = context;
    this.#isDev = isDev;
    this.#embedded = embedded;
    this.#role = role;
    this.#onUpdated = onUpdated;
    this.#watcher = new Watcher({
      paths: this.#paths(new Map()),
      onDirty: () => this.#runner?.warm(),
      onStable: () => {
        this.#onChange();
        void this.#reload();
      },
    });
  }

  /** The project as it is to be run now. */
  load(): Loaded {
    const { file, env, handlersDirectory } = this.#context;
    const kept = this.#text === undefined ? {} : { text: this.#text };
    const loaded = load({ file, env, handlersDirectory, ...kept });
    if (!loaded.ok) return loaded;
    const problems = roleProblems(this.#role, loaded.topology);
    if (problems.length > 0) return { ok: false, problems, warnings: loaded.warnings };
    if (!this.#isDev) this.#text = loaded.text;
    return { ...loaded, topology: this.#embedded.applied(loaded.topology) };
  }

  /** Resolves at the next change. */
  nextChange(): Promise<void> {
    return new Promise((resolve) => {
      this.#onChange = resolve;
    });
  }

  /** A change of `files`, which have been loaded, counts as well. */
  watch(files: Digests): void {
    this.#watcher.watch(this.#paths(files), files);
  }

  /** From now on the runner, which has loaded `files`, is told of every change. */
  follow(runner: Runner, files: Digests): void {
    if (this.#isClosed) return;
    this.#runner = runner;
    this.#files = files;
    this.watch(files);
    void this.#reload();
  }

  close(): void {
    this.#isClosed = true;
    this.#runner = null;
    clearTimeout(this.#retry);
    this.#watcher.close();
  }

  /** One after another; what comes while one is tried is looked at together after it. */
  async #reload(): Promise<void> {
    this.#isAsked = true;
    if (this.#isReloading) return;
    this.#isReloading = true;
    while (this.#isAsked && this.#runner) {
      this.#isAsked = false;
      try {
        await this.#update(this.#runner);
      } catch (error) {
        const text = error instanceof Error ? error.stack : String(error);
        this.#context.log.error({ error: text }, "a reload met a bug in warren");
      }
    }
    this.#isReloading = false;
  }

  async #update(runner: Runner): Promise<void> {
    clearTimeout(this.#retry);
    const { digests } = this.#watcher;
    const loaded = this.load();
    if (!this.#watcher.isStable()) {
      // What was read may be half of it.
      void this.#watcher.settle();
      return;
    }
    if (!loaded.ok) {
      this.#took(await runner.update(loaded));
      return;
    }
    const isSame = isDeepStrictEqual(runner.topology, loaded.topology);
    if (isSame && this.#isInUse(runner, digests)) {
      this.#context.log.debug({}, "nothing of what runs has changed");
      return;
    }
    // Of equal topologies one is kept, with all that is in it: the other is gone before it is old.
    const topology = isSame ? Object.freeze({ ...runner.topology }) : loaded.topology;
    const isWhole = async (files: Digests, isSound: boolean) => {
      // What can't be run may be what was read while it was written anew.
      if (!isSound && !this.#watcher.isStable()) return false;
      return await this.#isWhole(files, digests, topology);
    };
    this.#took(await runner.update({ ok: true, topology, isWhole }));
  }

  #took(updated: Updated): void {
    if (!this.#runner) return;
    const { status, files } = updated;
    if (status === "updated") {
      this.#files = files;
      this.#onUpdated(this.#runner.topology);
    }
    this.#discarded = status === "discarded" ? this.#discarded + 1 : 0;
    this.watch(files);
    if (status === "discarded") void this.#watcher.settle();
    if (status === "refused" && updated.problems.some(isAway)) {
      this.#retry = setTimeout(() => void this.#reload(), RETRY_MS);
    }
  }

  /**
   * Whether no half of a file was loaded, and no module with schemas that are not its own. Whole
   * files of two saves will do where the topology is the same, and where one edition after another
   * was discarded: else nothing would be taken while saves come faster than handlers load.
   */
  async #isWhole(files: Digests, reported: Digests, topology: Topology): Promise<boolean> {
    const others = [...files].filter(([path, digest]) => reported.get(path) !== digest);
    const isLater = others.some(([path]) => reported.has(path));
    if (!isLater && others.every(isQuiet)) return true;
    this.watch(files);
    await this.#watcher.settle();
    if (!others.every(([path, digest]) => this.#watcher.wasStable(path, digest))) return false;
    if (!isLater || this.#discarded > 0) return true;
    const now = this.load();
    return now.ok && isDeepStrictEqual(now.topology, topology);
  }

  /** Every module that would be loaded is the one that runs. */
  #isInUse(runner: Runner, digests: Digests): boolean {
    const isUnchanged = [...this.#files].every(([path, digest]) => digests.get(path) === digest);
    return isUnchanged && runner.status().reload.problems.length === 0;
  }

  #paths(files: Digests): readonly string[] {
    const { file, handlersDirectory } = this.#context;
    const base = [join(dirname(file), "schemas"), handlersDirectory];
    const own = [...base, ...(this.#isDev ? [file] : [])].map((path) => resolve(path));
    return [...new Set([...own, ...this.#files.keys(), ...files.keys()])];
  }
}

/** Whether a file that nobody watched holds what was loaded, and has for a while. */
function isQuiet([path, digest]: readonly [string, string]): boolean {
  const quietMs = NUMBERS.reloadCompareMs * NUMBERS.reloadQuietLooks;
  try {
    const isOld = statSync(path).ctimeMs <= Date.now() - quietMs;
    return isOld && digestOf(readFileSync(path)) === digest;
  } catch {
    return digest === ABSENT;
  }
}
