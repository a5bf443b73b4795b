/** What `schemas diff` has found, as one document. */
import type { Place } from "../errors.ts";
import { compareContracts, countSchemas, type Difference } from "../evolution/contracts.ts";
import type { Rule } from "../evolution/rules.ts";
import type { Change, Verdict } from "../evolution/walk.ts";
import { SchemaPlaces } from "./schema-place.ts";
import type { SchemaSide } from "./schema-sides.ts";

type Whom = "publishers" | "consumers";

/** What `--json` prints; docs/schema-changes.md describes it. */
export type DiffDocument = {
  readonly against: string;
  readonly counts: Readonly<Record<Verdict, number>>;
  readonly unchanged: number;
  readonly schemas: readonly {
    readonly kind: Difference["kind"];
    readonly name: string;
    readonly changes: readonly {
      readonly rule: Rule;
      readonly verdict: Verdict;
      readonly breaks: readonly Whom[];
      readonly side: "old" | "new";
      readonly pointer: string;
      readonly at: Place;
      readonly message: string;
    }[];
  }[];
};

/** Compares, and finds the place of every change. */
export function diffDocument(against: string, old: SchemaSide, now: SchemaSide): DiffDocument {
  const differences = compareContracts(old.contracts, now.contracts);
  const places = new SchemaPlaces();
  const schemas = differences.map((difference) => ({
    kind: difference.kind,
    name: difference.name,
    changes: difference.changes.map((change) => ({
      ...judged(change),
      ...placed(change, difference, places, { old, new: now }),
      message: change.words,
    })),
  }));
  const changes = schemas.flatMap((schema) => schema.changes);
  const count = (wanted: Verdict) => changes.filter(({ verdict }) => verdict === wanted).length;
  return {
    against,
    counts: {
      breaking: count("breaking"),
      undecided: count("undecided"),
      compatible: count("compatible"),
    },
    unchanged: countSchemas(old.contracts, now.contracts) - schemas.length,
    schemas,
  };
}

function judged(change: Change) {
  const whom = ["publishers", "consumers"] as const;
  const breaks = whom.filter((one) => change[one] !== "compatible");
  const isCertain = whom.some((one) => change[one] === "breaking");
  const verdict: Verdict =
    breaks.length === 0 ? "compatible" : isCertain ? "breaking" : "undecided";
  return { rule: change.rule, verdict, breaks };
}

/** In the new file; what is not there any more, in the old one. */
function placed(
  change: Change,
  { oldFile, newFile }: Difference,
  places: SchemaPlaces,
  sides: { readonly old: SchemaSide; readonly new: SchemaSide },
) {
  const isNew = change.new !== null && newFile !== null;
  const side = isNew ? "new" : "old";
  const pointer = (isNew ? change.new : change.old) ?? "";
  const found = places.find((isNew ? newFile : oldFile) ?? newFile ?? "", pointer);
  return { side, pointer, at: { ...found, file: sides[side].shown(found.file) } } as const;
}
