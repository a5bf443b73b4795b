/** All schemas of a project, before and now → the changes of each. */
import type { EventSchema, ReplySchema } from "../topology.ts";
import { compareSchemas } from "./compare.ts";
import { type Change, UNDECIDED, verdicts } from "./walk.ts";

/** Of an event, whose publishers send it, or of a reply, which a handler sends to its caller. */
export type Kind = "event" | "reply";

export type Contracts = {
  readonly events: Readonly<Record<string, EventSchema>>;
  readonly replies: Readonly<Record<string, ReplySchema>>;
  /** Schemas that are there and can't be used, with the first thing that is wrong. */
  readonly unreadable: readonly {
    readonly kind: Kind;
    readonly name: string;
    readonly file: string;
    readonly problem: string;
  }[];
};

export type Difference = {
  readonly kind: Kind;
  /** The event's type, or the queue that replies. */
  readonly name: string;
  readonly oldFile: string | null;
  readonly newFile: string | null;
  readonly changes: readonly Change[];
};

/** The schemas that differ, events first, by name; `now` has none that can't be read. */
export function compareContracts(old: Contracts, now: Contracts): readonly Difference[] {
  const differences = (["event", "reply"] as const).flatMap((kind) =>
    namesOf(kind, old, now).map((name) => compareOne(kind, name, old, now)),
  );
  return differences.filter(({ changes }) => changes.length > 0);
}

/** How many schemas there are, on either side. */
export function countSchemas(old: Contracts, now: Contracts): number {
  return namesOf("event", old, now).length + namesOf("reply", old, now).length;
}

function namesOf(kind: Kind, ...sides: readonly Contracts[]): readonly string[] {
  const names = sides.flatMap((side) => [
    ...Object.keys(schemasOf(kind, side)),
    ...side.unreadable.filter((one) => one.kind === kind).map(({ name }) => name),
  ]);
  return [...new Set(names)].sort();
}

function schemasOf(kind: Kind, { events, replies }: Contracts) {
  return kind === "event" ? events : replies;
}

function compareOne(kind: Kind, name: string, old: Contracts, now: Contracts): Difference {
  const was = schemasOf(kind, old)[name];
  const is = schemasOf(kind, now)[name];
  const broken = old.unreadable.find((one) => one.kind === kind && one.name === name);
  const oldFile = was?.file ?? broken?.file ?? null;
  const of = (changes: readonly Change[]): Difference => {
    return { kind, name, oldFile, newFile: is?.file ?? null, changes };
  };
  const place = { old: oldFile === null ? null : "", new: is === undefined ? null : "" };
  if (broken !== undefined) {
    const words = `the old schema can't be read: ${broken.problem}`;
    return of([{ rule: "unreadable", ...place, words, ...UNDECIDED }]);
  }
  if (was === undefined) return of([added(kind, place)]);
  if (is === undefined) return of([removed(kind, place)]);
  return of(was.version === is.version ? [] : compareSchemas(was.schema, is.schema));
}

type Places = Pick<Change, "old" | "new">;

/** A reply that had no schema could be anything; now its handler is held to one. */
function added(kind: Kind, place: Places): Change {
  const isEvent = kind === "event";
  const words = isEvent ? "event added" : "reply added: its handler could return anything before";
  return { rule: kind, ...place, words, ...verdicts(isEvent, true) };
}

/** A reply without a schema can be anything, which its handler does not mind. */
function removed(kind: Kind, place: Places): Change {
  const isEvent = kind === "event";
  const words = isEvent ? "event removed" : "reply removed: its handler may return anything now";
  return { rule: kind, ...place, words, ...verdicts(!isEvent, false) };
}
