/** A plan as one JSON document: for machines, and to be applied later if nothing has changed since. */
import { digestOf } from "../../digest.ts";
import { messageOf, type Place, WarrenError } from "../../errors.ts";
import type { Live, QueueCounts } from "../live.ts";
import type { Blocked, Difference, Permissions, PlanEntry } from "../planned.ts";
import { type OwnedBinding, sorted } from "../state/record.ts";
import type { Concluded, LookedAt } from "./look.ts";

/** Fields are only ever added to a format; docs/plan.md explains each. */
export const FORMAT = 1;

export type PlanDocument = {
  readonly format: typeof FORMAT;
  readonly project: string;
  readonly broker: string;
  readonly by: Live["by"];
  readonly state: DocumentState | null;
  readonly permissions: Permissions;
  readonly hasDifferences: boolean;
  readonly isBlocked: boolean;
  readonly entries: readonly DocumentEntry[];
  readonly unchanged: number;
  readonly others: { readonly exchanges: number; readonly queues: number };
  readonly exclusive: readonly { readonly name: string; readonly at: Place }[];
  readonly unseen: readonly string[];
  readonly fingerprint: Fingerprint;
};

type DocumentState = {
  readonly generation: number;
  readonly appliedAt: string;
  readonly by: string;
};

export type DocumentEntry = {
  readonly action: PlanEntry["action"];
  readonly kind: PlanEntry["kind"];
  readonly name: string;
  readonly at: Place | null;
  readonly differences: readonly Difference[];
  readonly counts: QueueCounts | null;
  readonly blocked: Blocked | null;
  readonly notes: readonly string[];
  readonly binding: OwnedBinding | null;
};

/** What a plan stands on: when one of these has changed, it may say something else. */
export type Fingerprint = {
  /** Of what the file wants. */
  readonly file: string;
  /** The state's generation; null: there was no state. */
  readonly generation: number | null;
  /** Of the live objects that concern the project, without their messages and consumers. */
  readonly live: string;
};

/** @param permissions those that the plan was made with. */
export function planDocument(looked: LookedAt, permissions: Permissions): PlanDocument {
  const { plan, live, state, exclusive } = looked;
  const { project, entries, hasDifferences, isBlocked, others } = plan;
  const shown = entries.filter((entry) => !isSilent(entry));
  return {
    format: FORMAT,
    project,
    broker: live.broker,
    by: live.by,
    state: state && {
      generation: state.generation,
      appliedAt: state.appliedAt,
      by: state.by,
    },
    permissions,
    hasDifferences,
    isBlocked,
    entries: shown.map(documentEntry),
    unchanged: entries.length - shown.length,
    others,
    exclusive: exclusive.map(({ name, at }) => ({ name, at })),
    unseen: live.unseen,
    fingerprint: fingerprintOf(looked),
  };
}

/** Whether there is nothing to say of it. */
export function isSilent({ action, notes }: PlanEntry): boolean {
  return (action === "unchanged" || action === "ensure") && notes.length === 0;
}

/**
 * Reads what `planDocument` made.
 *
 * @throws {WarrenError} `plan-unreadable`: no JSON, not a plan, of another format or project.
 */
export function verifyDocument(text: string, project: string): PlanDocument {
  const document = parse(text);
  if (document.format !== FORMAT) {
    const text = `a plan of format ${show(document.format)}, expected ${FORMAT}`;
    throw new WarrenError("plan-unreadable", text);
  }
  if (document.project !== project) {
    const text = `a plan of project ${show(document.project)}, expected ${show(project)}`;
    throw new WarrenError("plan-unreadable", text);
  }
  const lacking = ["permissions", "fingerprint", "entries"].find((key) => !isObject(document[key]));
  if (lacking === undefined) return document as PlanDocument;
  throw new WarrenError("plan-unreadable", `a plan with ${show(lacking)} left out`);
}

/**
 * Compares what a plan stood on with what is there now.
 *
 * @throws {WarrenError} `plan-outdated`
 */
export function assertCurrent({ fingerprint: then }: PlanDocument, looked: Concluded): void {
  const now = fingerprintOf(looked);
  const changes = [
    ...(then.file === now.file ? [] : ["the file wants something else"]),
    ...(then.generation === now.generation
      ? []
      : [
          `the state is of generation ${now.generation ?? "none"}, and was ${then.generation ?? "none"}`,
        ]),
    ...(then.live === now.live ? [] : ["the broker has other objects"]),
  ];
  if (changes.length === 0) return;
  throw new WarrenError("plan-outdated", `since the plan was made: ${changes.join("; ")}`);
}

/** The counts are left out: they change all the time, and are looked at before anything is removed. */
export function fingerprintOf({ plan: { entries }, live, state, hash }: Concluded): Fingerprint {
  const names = (kind: "exchange" | "queue", owned: readonly string[] = []) =>
    new Set([...entries.filter((one) => one.kind === kind).map(({ name }) => name), ...owned]);
  const exchanges = names("exchange", state?.owned.exchanges);
  const queues = names("queue", state?.owned.queues);
  const bindings = live.bindings?.filter(
    ({ source, destination, destinationKind }) =>
      exchanges.has(source) || (destinationKind === "queue" ? queues : exchanges).has(destination),
  );
  const facts = [
    live.by,
    [...live.exchanges].filter(([name]) => exchanges.has(name)),
    [...live.queues].filter(([name]) => queues.has(name)).map(withoutCounts),
    bindings ?? null,
    live.policies,
    state?.journal ?? null,
  ].map((part) => (Array.isArray(part) ? part.map(canonical).sort() : canonical(part)));
  return {
    file: hash,
    generation: state?.generation ?? null,
    live: digestOf(Buffer.from(JSON.stringify(facts))),
  };
}

function withoutCounts([name, queue]: [string, object]): readonly [string, object] {
  const { counts: _, ...facts } = queue as { readonly counts?: unknown };
  return [name, facts];
}

function canonical(value: unknown): string {
  return JSON.stringify(sorted(value));
}

function documentEntry(entry: PlanEntry): DocumentEntry {
  const { action, kind, name, at, differences, counts, blocked, notes } = entry;
  return { action, kind, name, at, differences, counts, blocked, notes, binding: bindingOf(entry) };
}

function bindingOf({ binding, desired }: PlanEntry): OwnedBinding | null {
  const found = binding ?? (desired?.kind === "binding" ? desired : null);
  if (!found) return null;
  const { source, destination, destinationKind, key, arguments: given } = found;
  return { source, destination, destinationKind, key, arguments: given };
}

function parse(text: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new WarrenError("plan-unreadable", `no JSON: ${messageOf(cause)}`, { cause });
  }
  if (isObject(value) && "format" in value) return value;
  throw new WarrenError("plan-unreadable", "JSON that is no plan: it has no format");
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

function show(value: unknown): string {
  return JSON.stringify(value) ?? "none";
}
