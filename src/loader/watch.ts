/**
 * Watches files and folders by their content. The file system's events only say when to look; a
 * look every two seconds finds what they don't tell (network drives, too many watches).
 */
import { type FSWatcher, statSync, watch } from "node:fs";
import { basename, sep } from "node:path";
import type { Digests } from "../digest.ts";
import { NUMBERS } from "../numbers.ts";
import { Contents, changedPaths } from "./contents.ts";

export type WatcherOptions = {
  /**
   * Files, there or not yet, and folders: of these, every module and JSON file in them counts. A
   * link stands for what it leads to.
   */
  readonly paths: readonly string[];
  /** At the first sign of a change. */
  readonly onDirty: () => void;
  /** When nothing changes any more: what has; nothing where all is as it was before. */
  readonly onStable: (changed: readonly string[]) => void;
};

/** So many former contents of a file are remembered. */
const MEMORY = 9;

export class Watcher {
  readonly #options: WatcherOptions;
  readonly #contents = new Contents();
  /** By folder and inode: a folder that was replaced is another one. */
  readonly #watches = new Map<string, FSWatcher>();
  readonly #floor: NodeJS.Timeout;
  #paths: readonly string[];
  /** What was last reported, or found at the start. */
  #reported: Digests;
  /** By path, the digests that were stable, the newest last. */
  readonly #stable = new Map<string, readonly string[]>();
  #onSettled: (() => void)[] = [];
  /** While something changes: what was last seen, and for how many looks nothing else. */
  #unsettled: { readonly seen: Digests; quiet: number } | null = null;
  #timer: NodeJS.Timeout | null = null;
  #lookedAt = Number.NEGATIVE_INFINITY;
  #isClosed = false;

  constructor(options: WatcherOptions) {
    this.#options = options;
    this.#paths = options.paths;
    this.#reported = this.#read();
    this.#floor = setInterval(() => this.#wake(), NUMBERS.reloadFloorMs);
  }

  /** As they were when they were last stable. */
  get digests(): Digests {
    return this.#reported;
  }

  /** Whether everything is, at this moment, as it was when it was last stable. */
  isStable(): boolean {
    return this.#unsettled === null && changedPaths(this.#reported, this.#read()).length === 0;
  }

  /**
   * Watches these from now on. What is new among them is taken to be as it is, or as `known` says:
   * where it is not, that is a change.
   */
  watch(paths: readonly string[], known: Digests = new Map()): void {
    this.#paths = paths;
    const digests = this.#read();
    const kept = [...this.#reported].filter(([path]) => isAmong(path, paths));
    this.#reported = new Map([...digests, ...known, ...kept]);
    this.#wake();
  }

  /** Looks again until nothing changes, and says so even if nothing has; at once when it is closed. */
  async settle(): Promise<void> {
    if (this.#isClosed) return;
    this.#unsettled ??= { seen: new Map(), quiet: 0 };
    this.#wake();
    await new Promise<void>((resolve) => {
      this.#onSettled.push(resolve);
    });
  }

  /** Whether a file has stood still with this content, now or in one of the last changes. */
  wasStable(path: string, digest: string): boolean {
    return this.#stable.get(path)?.includes(digest) ?? false;
  }

  close(): void {
    this.#isClosed = true;
    for (const resolve of this.#onSettled) resolve();
    clearInterval(this.#floor);
    if (this.#timer) clearTimeout(this.#timer);
    for (const watch of this.#watches.values()) watch.close();
    this.#watches.clear();
  }

  /** Looks soon, and not more often than it compares: a busy folder must not keep the thread busy. */
  #wake(): void {
    if (this.#timer || this.#isClosed) return;
    const waitMs = this.#lookedAt + NUMBERS.reloadCompareMs - performance.now();
    this.#timer = setTimeout(() => this.#look(), Math.max(0, waitMs));
  }

  #look(): void {
    this.#timer = null;
    const digests = this.#read();
    this.#lookedAt = performance.now();
    const last = this.#unsettled;
    if (!last && changedPaths(this.#reported, digests).length === 0) return;
    if (!last || changedPaths(last.seen, digests).length > 0) {
      this.#unsettled = { seen: digests, quiet: 0 };
      if (!last) this.#options.onDirty();
    } else {
      last.quiet += 1;
    }
    if (last?.quiet === NUMBERS.reloadQuietLooks) this.#settle(digests);
    else this.#wake();
  }

  #settle(digests: Digests): void {
    const changed = changedPaths(this.#reported, digests);
    this.#reported = digests;
    this.#unsettled = null;
    this.#remember(digests);
    const waiting = this.#onSettled;
    this.#onSettled = [];
    for (const resolve of waiting) resolve();
    this.#options.onStable(changed);
  }

  #remember(digests: Digests): void {
    for (const [path, digest] of digests) {
      const known = this.#stable.get(path) ?? [];
      if (known.at(-1) !== digest) this.#stable.set(path, [...known.slice(-MEMORY), digest]);
    }
    for (const path of this.#stable.keys()) if (!digests.has(path)) this.#stable.delete(path);
  }

  /** What comes between the reading and the watching is read again, never missed. */
  #read(): Digests {
    for (;;) {
      const { digests, folders } = this.#contents.read(this.#paths);
      if (!this.#watchFolders(folders)) return digests;
    }
  }

  /** @returns whether a folder was not watched before. */
  #watchFolders(folders: ReadonlySet<string>): boolean {
    const wanted = new Map([...folders].map((folder) => [keyOf(folder), folder]));
    for (const [key, watch] of this.#watches) {
      if (wanted.has(key)) continue;
      watch.close();
      this.#watches.delete(key);
    }
    const added = [...wanted].filter(([key]) => !this.#watches.has(key));
    return added.filter(([key, folder]) => this.#watchFolder(key, folder)).length > 0;
  }

  /** @returns false where there are no more watches, or the folder is gone again. */
  #watchFolder(key: string, folder: string): boolean {
    if (this.#isClosed) return false;
    const forget = () => {
      this.#watches.get(key)?.close();
      this.#watches.delete(key);
    };
    try {
      const watcher = watch(folder, (_event, name) => {
        // It may be the folder itself that is gone; its inode can come back in another one.
        if (name === null || name === basename(folder)) forget();
        this.#wake();
      });
      watcher.on("error", forget);
      this.#watches.set(key, watcher);
      return true;
    } catch {
      return false;
    }
  }
}

function keyOf(folder: string): string {
  try {
    const { dev, ino } = statSync(folder);
    return `${dev}:${ino} ${folder}`;
  } catch {
    return `gone ${folder}`;
  }
}

function isAmong(path: string, paths: readonly string[]): boolean {
  return paths.some((one) => path === one || path.startsWith(one + sep));
}
