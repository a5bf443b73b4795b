/** What an apply is told, and what it tells while it goes on. */
import type { Concluded } from "../plan/look.ts";
import type { Permissions } from "../planned.ts";
import type { StateRecord } from "../state/record.ts";
import type { Progress } from "./context.ts";

export type ApplyOptions = {
  /** Default: add, and unbind what this project bound itself. */
  readonly permissions?: Permissions;
  /** Ends it at once. */
  readonly signal?: AbortSignal;
  /** Ends it after the operation under way. */
  readonly interrupted?: AbortSignal;
  /** How long to wait for another apply; 0: not at all. */
  readonly lockTimeoutMs?: number;
  /** Who holds the lock, and has applied: `ci@runner-3`. */
  readonly by?: string;
  /** Whether a replacement that was interrupted is gone on with first; if not, nothing is changed. */
  readonly resume?: boolean;
  /** Called with the last apply's state, once the lock is held; what it throws ends the apply. */
  readonly onState?: (state: StateRecord | null) => void;
  /** Called before the first change; what it throws ends the apply. */
  readonly onPlan?: (looked: Concluded) => void;
  /**
   * Called before everything is tried once more on a new connection, since this one was lost, or
   * ended by the broker for an error of its own (541); without it nothing is.
   */
  readonly onAgain?: (reason: string, failures: number) => void;
  readonly onProgress?: (progress: Progress) => void;
};

/** What is done without asking: add, and unbind what this project bound itself. */
export const NO_PERMISSIONS: Permissions = { prune: false, allowReplace: false, adopt: false };

type Signals = { readonly [key in "signal" | "interrupted"]?: AbortSignal | undefined };

/** Aborted once whoever asked gives up, either way. */
export function givenUp({ signal, interrupted }: Signals): AbortSignal {
  return AbortSignal.any([signal, interrupted].filter((one) => one !== undefined));
}
