/** The differences of schemas as lines for a person. */
import { counted } from "../counted.ts";
import { formatPlace } from "../errors.ts";
import type { DiffDocument } from "./schemas-document.ts";

const VERDICTS = { breaking: "breaking", undecided: "can't tell", compatible: "compatible" };
const ORDER = ["breaking", "undecided", "compatible"] as const;

/** A block for each schema that differs, the worst of its changes first; then how many. */
export function formatDiff({ against, schemas, counts, unchanged }: DiffDocument): string {
  if (schemas.length === 0) {
    return `nothing changed: ${counted(unchanged, "schema")} as in ${against}`;
  }
  const rows = schemas.map(({ kind, changes }) =>
    ORDER.flatMap((verdict) => changes.filter((change) => change.verdict === verdict)).map(
      ({ verdict, breaks, pointer, at, message }) => [
        VERDICTS[verdict],
        breaks.map((whom) => NAMES[kind][whom]).join(", "),
        pointer === "" ? "(whole)" : pointer,
        formatPlace(at),
        message,
      ],
    ),
  );
  const widths = [0, 1, 2, 3].map((column) =>
    Math.max(...rows.flat().map((row) => row[column]?.length ?? 0)),
  );
  const lines = schemas.flatMap(({ kind, name }, index) => [
    kind === "reply" ? `reply of ${name}` : name,
    ...(rows[index] ?? []).map((row) => `  ${aligned(row, widths)}`),
    "",
  ]);
  return [...lines, summary(counts, schemas.length, unchanged)].join("\n");
}

/** A reply is sent by a handler, and read by whoever called it. */
const NAMES = {
  event: { publishers: "publishers", consumers: "consumers" },
  reply: { publishers: "handlers", consumers: "callers" },
} as const;

function aligned(row: readonly string[], widths: readonly number[]): string {
  return row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ");
}

function summary(counts: DiffDocument["counts"], changed: number, unchanged: number): string {
  const parts = [
    `${counts.breaking} breaking`,
    ...(counts.undecided > 0 ? [`${counts.undecided} that can't be told`] : []),
    `${counts.compatible} compatible`,
  ];
  return `${parts.join(", ")} in ${counted(changed, "schema")}; ${unchanged} unchanged`;
}
