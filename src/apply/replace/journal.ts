/** How far a replacement has got: kept in the project's state, so that it can be resumed. */
import type { Arguments } from "../../topology.ts";
import type { LiveBinding } from "../live.ts";

/**
 * | phase     | where the queue's messages are |
 * |-----------|--------------------------------|
 * | draining  | on their way from the old queue to the one that holds them meanwhile |
 * | replacing | all of them there: the old queue is to be deleted, and the new one declared |
 * | refilling | on their way from there into the new queue |
 */
export type Phase = "draining" | "replacing" | "refilling";

/** Of one replacement; a project has one at a time. */
export type Journal = {
  /** The queue that is replaced. */
  readonly queue: string;
  readonly phase: Phase;
  /** What it was declared with, and what it is to be declared with. */
  readonly from: Arguments;
  readonly to: Arguments;
  /** All that it had, those of others included. */
  readonly bindings: readonly QueueBinding[];
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  /** Up to the last writing of the journal. */
  readonly counts: ReplaceCounts;
};

/** A binding of the queue. */
export type QueueBinding = Pick<LiveBinding, "source" | "key" | "arguments">;

/** What became of the messages; a resumed replacement goes on counting. */
export type ReplaceCounts = {
  /** Copied from the old queue to the one that holds them meanwhile. */
  readonly moved: number;
  /** Copied from there into the new queue. */
  readonly refilled: number;
  /** At most so many of them were copied twice: what was in the hands of a move that broke off. */
  readonly repeated: number;
  /** Of those moved: came by the queue's name, and not through a binding. */
  readonly byName: number;
  /** Of those refilled: their own time to live began anew. */
  readonly expiring: number;
  /** Of these copies: lack a property that can't be written again. */
  readonly altered: number;
  /** Were in a queue when it was deleted, as the broker says. */
  readonly lost: number;
  /** How often it was interrupted, and gone on with. */
  readonly resumed: number;
};

/** At the start. */
export const NOTHING_MOVED: ReplaceCounts = {
  moved: 0,
  refilled: 0,
  repeated: 0,
  byName: 0,
  expiring: 0,
  altered: 0,
  lost: 0,
  resumed: 0,
};

/** Messages in the hands of a move at once: so many may have been copied, and be brought once more. */
export const IN_HAND = 100;

/**
 * The queue that holds the messages of `queue` meanwhile, and the exchange through which copies get
 * there and back.
 */
export const migratingQueue = (queue: string) => `${queue}~migrating`;

/** A queue that is declared and deleted again: to see whether the broker takes its arguments. */
export const trialQueue = (queue: string) => `${queue}~trial`;
