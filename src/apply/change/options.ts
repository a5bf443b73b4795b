/** What an apply is told, and what it tells while it goes on. */
import type { Live } from "../live.ts";
import type { Permissions, Plan } from "../planned.ts";
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
  readonly onPlan?: (planned: Planned) => void;
  readonly onProgress?: (progress: Progress) => void;
};

/** What an apply is about to do, and what it has concluded that from. */
export type Planned = {
  readonly plan: Plan;
  readonly live: Live;
  readonly state: StateRecord | null;
  /** Of what is wanted. */
  readonly hash: string;
};

export const NO_PERMISSIONS: Permissions = { prune: false, allowReplace: false, adopt: false };
