/** What a replacement is done with, and what it comes to. */
import type { BrokerConnection } from "../../broker-connection.ts";
import type { Arguments } from "../../topology.ts";
import type { Management } from "../inspect/management.ts";
import type { Journal, QueueBinding, ReplaceCounts } from "./journal.ts";

/** What a replacement needs of the apply that it belongs to. */
export type ReplaceContext = {
  readonly project: string;
  /** Holds the lock: when it ends, so does the replacement. */
  readonly connection: BrokerConnection;
  /**
   * Opens another connection, which the replacement closes: for moving messages, and for what may end
   * its connection.
   */
  readonly openSpare: (purpose: string) => Promise<BrokerConnection>;
  /** null: AMQP alone. */
  readonly management: Management | null;
  /** Keeps the journal in the project's state; resolves when the broker has it. */
  readonly writeJournal: (journal: Journal | null) => Promise<void>;
  readonly onProgress?: (progress: ReplaceProgress) => void;
  /** Ends it where it is: the journal stays, and it can be resumed. */
  readonly signal?: AbortSignal;
  /** Without any progress; then it gives up. Default `NUMBERS.replaceStallMs`. */
  readonly stallMs?: number;
};

/** The start of a step, and how far it has got since. */
export type ReplaceProgress = {
  readonly queue: string;
  /** 0 to `of`. */
  readonly step: number;
  readonly of: number;
  /** `draining` */
  readonly what: string;
  /** Of the queue that is emptied; null: none is, or nobody can tell. */
  readonly ready: number | null;
  readonly unacked: number | null;
};

/** What is to be replaced. */
export type Change = {
  readonly queue: string;
  /** What the broker has. */
  readonly from: Arguments;
  /** What the file says. */
  readonly to: Arguments;
  /** Its bindings as far as they are known: over the management API they are listed anew. */
  readonly bindings: readonly QueueBinding[];
};

/** What became of it. */
export type ReplaceReport = {
  readonly queue: string;
  readonly counts: ReplaceCounts;
  /** How long a binding was in both places: a message of that time is there twice. */
  readonly overlapMs: number;
  /** From the deletion of the old queue to the declaration of the new one; null: not seen. */
  readonly gapMs: number | null;
  readonly tookMs: number;
  /** What else a person has to know. */
  readonly notes: readonly string[];
};

/** In words, for whoever waits. */
export const STEPS = [
  "looking",
  "writing the journal",
  "declaring the queue that holds the messages",
  "moving the bindings there",
  "draining",
  "making sure that it is empty",
  "replacing the queue",
  "moving the bindings back",
  "moving the messages back",
  "cleaning up",
] as const;
