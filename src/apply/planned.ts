/** A plan: what lies between a file and a broker, and what would be done about it, in order. */
import type { Place } from "../errors.ts";
import type { LiveBinding, QueueCounts } from "./live.ts";
import type { DesiredBinding, DesiredExchange, DesiredPolicy, DesiredQueue } from "./objects.ts";

/** What may be done beyond adding, and unbinding what warren itself bound. */
export type Permissions = {
  /** Remove what warren made and the file no longer has: queues only when empty and unused. */
  readonly prune: boolean;
  /** Replace queues whose arguments differ, without losing a message. */
  readonly allowReplace: boolean;
  /** Take over what somebody else made: differing objects that the file declares, their bindings. */
  readonly adopt: boolean;
};

/**
 * | action    | the object | what apply does |
 * |-----------|------------|-----------------|
 * | create    | is not there | declares it |
 * | bind      | a binding that is not there, or that AMQP can't see | binds |
 * | ensure    | a binding that AMQP can't see, and that the state says is there | binds: it changes nothing if it is |
 * | unbind    | bound by warren (or, adopted, by another), and not in the file | unbinds, after every bind |
 * | replace   | a queue that differs | the journalled move of its messages (replace/) |
 * | update    | a policy that differs | puts it again |
 * | remove    | made by warren, not in the file | deletes it, last of all |
 * | conflict  | differs, and can't be changed in place | nothing: apply stops before its first change |
 * | missing   | external, and not there | nothing: apply stops before its first change |
 * | hidden    | the broker does not let this user see or change it | nothing: the rest goes on |
 * | kept      | made by warren, not in the file, and not to be deleted | nothing |
 * | foreign   | nobody's but its maker's | nothing |
 * | unchanged | is there, and equal | nothing |
 */
export type Action =
  | "create"
  | "bind"
  | "ensure"
  | "unbind"
  | "replace"
  | "update"
  | "remove"
  | "conflict"
  | "missing"
  | "hidden"
  | "kept"
  | "foreign"
  | "unchanged";

/** A value as a person reads it, with its AMQP type where the two have different ones; `none`: absent. */
export type Difference = {
  readonly argument: string;
  readonly wanted: string;
  readonly live: string;
};

export type PlanEntry = {
  readonly action: Action;
  readonly kind: "exchange" | "queue" | "binding" | "policy";
  /** Of a binding: `orders -> billing  order.placed`. */
  readonly name: string;
  /** null: not in the file. */
  readonly at: Place | null;
  readonly differences: readonly Difference[];
  /** Of a queue that is there. */
  readonly counts: QueueCounts | null;
  /** null: it is done, or nothing is to do. */
  readonly blocked: Blocked | null;
  /** Further facts for the reader, a line each. */
  readonly notes: readonly string[];
  /** What is wanted; null: not in the file. */
  readonly desired: DesiredExchange | DesiredQueue | DesiredBinding | DesiredPolicy | null;
  /** Of a binding that is to go. */
  readonly binding: LiveBinding | null;
};

/** Why it is not done, and the flags that would allow it, all of them together; none: nothing would. */
export type Blocked = { readonly reason: string; readonly flags: readonly Flag[] };

export type Flag = "--prune" | "--allow-replace" | "--adopt";

export type Plan = {
  readonly project: string;
  /** In the order in which apply goes through them. */
  readonly entries: readonly PlanEntry[];
  /** How many objects of the vhost are somebody else's, and touch nothing of this project. */
  readonly others: { readonly exchanges: number; readonly queues: number };
  /** Something would be changed, or is in the way. */
  readonly hasDifferences: boolean;
  /** Some of it is not done with these permissions. */
  readonly isBlocked: boolean;
};
