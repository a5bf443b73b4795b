import { type Problem, quoted } from "../../errors.ts";
import { draftOf } from "../../events/check.ts";
import { subschemasOf } from "../../events/subschemas.ts";
import { NUMBERS } from "../../numbers.ts";
import { join } from "../pointer.ts";
import { Report } from "../report.ts";
import type { SchemaFile } from "./file.ts";
import type { SchemaFolder, Target } from "./folder.ts";
import { ownDraft } from "./vet.ts";

/** A file with all files that it takes something from, and where each `$ref` in them leads. */
export type Links = {
  /** The first is the one that was asked for. */
  readonly files: readonly SchemaFile[];
  readonly reports: ReadonlyMap<SchemaFile, Report>;
  /** Of those files that could not be read as schemas. */
  readonly problems: readonly Problem[];
  /** @returns null where the schema has no `$ref`, or one that leads nowhere. */
  targetOf(at: Target): Target | null;
};

/** Follows every `$ref`; those that lead nowhere are reported where they stand. */
export function follow(entry: SchemaFile, folder: SchemaFolder): Links {
  const entryDraft = ownDraft(entry) ?? draftOf({});
  const reports = new Map([[entry, new Report(entry.document)]]);
  const problems: Problem[] = [];
  const targets = new Map<SchemaFile, Map<string, Target>>();
  // The set grows while it is walked through.
  for (const [file, report] of reports) {
    const ofFile = new Map<string, Target>();
    targets.set(file, ofFile);
    for (const [pointer, schema] of file.schemas) {
      if (typeof schema === "boolean" || typeof schema.$ref !== "string") continue;
      const resolved = folder.resolve(file, schema.$ref);
      if (resolved.ok) {
        ofFile.set(pointer, resolved.target);
        const { file: next } = resolved.target;
        const draft = ownDraft(next) ?? entryDraft;
        if (draft !== entryDraft) {
          const message = `$ref ${quoted(schema.$ref)} leads to a schema of another draft than this one`;
          report.value("bad-event-schema", join(pointer, "$ref"), message);
        }
        if (!reports.has(next)) reports.set(next, new Report(next.document));
      } else if ("problems" in resolved) {
        problems.push(...resolved.problems);
      } else {
        report.value("bad-event-schema", join(pointer, "$ref"), resolved.message);
      }
    }
  }
  const targetOf = ({ file, pointer }: Target) => targets.get(file)?.get(pointer) ?? null;
  return { files: [...reports.keys()], reports, problems, targetOf };
}

/**
 * Reports each `$ref` that leads back to itself for one and the same value, which would never end,
 * and each schema that holds too many schemas against a value.
 */
export function checkCircles(links: Links): void {
  const circles = new Circles(links);
  for (const file of links.files) {
    for (const pointer of file.schemas.keys()) circles.weigh({ file, pointer });
  }
}

type Open = { readonly at: Target; readonly pending: Target[]; weight: number };

/** Walks with a stack of its own: a chain of `$ref`s may be longer than the thread's. */
class Circles {
  readonly #links: Links;
  /** How many schemas one value is held against; null while that is found out. */
  readonly #weights = new Map<SchemaFile, Map<string, number | null>>();

  constructor(links: Links) {
    this.#links = links;
    for (const file of links.files) this.#weights.set(file, new Map());
  }

  weigh(at: Target): void {
    if (this.#weightOf(at) !== undefined) return;
    const open = [this.#open(at)];
    for (let last = open.at(-1); last !== undefined; last = open.at(-1)) {
      const next = last.pending.pop();
      const known = next && this.#weightOf(next);
      if (next === undefined) {
        open.pop();
        const above = open.at(-1);
        const weight = this.#close(last);
        if (above !== undefined) above.weight += weight;
      } else if (known === undefined) {
        open.push(this.#open(next));
      } else if (known === null) {
        // All other ways lead down, so this one is a $ref.
        const message = "$ref leads back to itself without going into the value: that never ends";
        this.#report(last.at, "/$ref", message);
      } else {
        last.weight += known;
      }
    }
  }

  #open(at: Target): Open {
    this.#weights.get(at.file)?.set(at.pointer, null);
    const target = this.#links.targetOf(at);
    return { at, pending: [...partsOf(at), ...(target === null ? [] : [target])], weight: 1 };
  }

  #close({ at, weight }: Open): number {
    const isFine = weight <= NUMBERS.maxSchemasOfValue;
    if (!isFine) {
      const most = NUMBERS.maxSchemasOfValue;
      this.#report(at, "", `holds ${weight} schemas against one value, at most ${most} are taken`);
    }
    // One report for it and all that it is a part of.
    const counted = isFine ? weight : Number.NEGATIVE_INFINITY;
    this.#weights.get(at.file)?.set(at.pointer, counted);
    return counted;
  }

  #weightOf({ file, pointer }: Target): number | null | undefined {
    return this.#weights.get(file)?.get(pointer);
  }

  #report({ file, pointer }: Target, member: string, message: string): void {
    this.#links.reports.get(file)?.value("bad-event-schema", pointer + member, message);
  }
}

/** What a schema holds against its own value. */
function partsOf({ file, pointer }: Target): readonly Target[] {
  const schema = file.schemas.get(pointer);
  if (schema === undefined || typeof schema === "boolean") return [];
  return subschemasOf(schema)
    .filter(({ isInPlace }) => isInPlace)
    .map((part) => ({ file, pointer: pointer + part.pointer }));
}
