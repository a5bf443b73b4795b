/** An apply report as text for a terminal or a log. */
import { type ErrorCode, type Problem, WarrenError } from "../../errors.ts";
import { describeEntry } from "../plan/format-entry.ts";
import { isInTheWay } from "../plan/plan.ts";
import type { Difference, PlanEntry } from "../planned.ts";
import type { DestroyReport } from "./destroy.ts";
import { type ApplyEntry, type ApplyReport, isRight, type Result } from "./results.ts";

const MARKS: Readonly<Record<Result, string>> = {
  created: "+",
  unchanged: "=",
  ensured: "=",
  updated: "~",
  unbound: "-",
  replaced: "-/+",
  removed: "-",
  kept: "-",
  deferred: "…",
  conflict: "!",
  missing: "!",
  refused: "!",
};

/** What was changed, what was not and why, and what the state is now. */
export function formatReport(report: ApplyReport): string {
  const inTheWay = report.plan.entries.filter(isInTheWay);
  const shown = report.entries.filter(({ result }) => MARKS[result] !== "=");
  return [
    report.broker,
    ...(inTheWay.length > 0 ? inTheWay.flatMap(describe) : shown.map(formatEntry)),
    `  ${summary(report.entries)}.  state: generation ${report.generation}`,
    ...(inTheWay.length > 0 ? ["  nothing was changed", ...remedies(inTheWay)] : []),
  ].join("\n");
}

/** What was removed, and what was not and why. */
export function formatDestroyed({ broker, entries, isDone }: DestroyReport): string {
  const end = isDone ? "nothing of the project is left" : "the rest is kept, and its state";
  return [broker, ...entries.map(formatEntry), `  ${summary(entries)}.  ${end}`].join("\n");
}

/** The error that a report amounts to, with the report as its text. */
export function blockedError(report: ApplyReport): WarrenError {
  const codes = blockingProblems(report).map(({ code }) => code);
  const worst = ["conflict", "missing-object"] as const;
  const code = worst.find((one) => codes.includes(one)) ?? "broker-refused";
  return new WarrenError(code, formatReport(report));
}

const BLOCKING: Partial<Record<Result, ErrorCode>> = {
  conflict: "conflict",
  missing: "missing-object",
  refused: "broker-refused",
};

/** What is in the way, each at its place; nothing in a report that is done. */
export function blockingProblems({ entries, file }: ApplyReport): readonly Problem[] {
  return entries.flatMap((entry) => {
    const code = BLOCKING[entry.result];
    if (code === undefined) return [];
    const { kind, name, differences = [], detail } = entry;
    const facts = [...differences.map(formatDifference), ...(detail === undefined ? [] : [detail])];
    const message = `${kind} ${JSON.stringify(name)}: ${facts.join("; ")}`;
    return [{ code, message, at: entry.at ?? { file, line: 1, column: 1 } }];
  });
}

function formatEntry({ kind, name, result, detail, at }: ApplyEntry): string {
  const place = result === "refused" && at ? `  ${at.file}:${at.line}` : "";
  const word = result === "created" ? "" : `  ${result}`;
  const why = detail === undefined ? "" : `: ${detail}`;
  return `${MARKS[result].padStart(3)} ${kind.padEnd(8)}  ${name}${word}${place}${why}`;
}

/** As the plan has it. */
function describe(entry: PlanEntry): readonly string[] {
  const { mark, kind, name, detail, place, lines } = describeEntry(entry, null);
  const head = [`${mark.padStart(3)} ${kind.padEnd(8)}`, name, detail, place];
  return [
    head.filter((part) => part !== "").join("  "),
    ...lines.map((line) => `${" ".repeat(6)}${line}`),
  ];
}

function formatDifference({ argument, wanted, live }: Difference): string {
  return `${argument}: the file says ${wanted}, the broker has ${live}`;
}

const WORDS: readonly (readonly [Result, string])[] = [
  ["created", "created"],
  ["updated", "updated"],
  ["replaced", "replaced"],
  ["unbound", "unbound"],
  ["removed", "removed"],
  ["kept", "kept"],
  ["unchanged", "right already"],
  ["ensured", "bindings made sure of"],
  ["deferred", "left to do"],
];

/** `3 created, 1 kept, 39 right already` */
function summary(entries: readonly ApplyEntry[]): string {
  const counts = WORDS.flatMap(([result, word]) => {
    const count = entries.filter((entry) => entry.result === result).length;
    return count > 0 ? [`${count} ${word}`] : [];
  });
  const wrong = entries.filter((entry) => !isRight(entry)).length;
  const all = [...counts, ...(wrong > 0 ? [`${wrong} in the way`] : [])];
  return all.join(", ") || "nothing to do";
}

/** The command that would do what this one was not allowed to. */
function remedies(inTheWay: readonly PlanEntry[]): readonly string[] {
  const flags = [...new Set(inTheWay.flatMap(({ blocked }) => blocked?.flags ?? []))].sort();
  if (flags.length === 0) return [];
  const isAll = inTheWay.every(({ blocked }) => (blocked?.flags.length ?? 0) > 0);
  const rest = isAll ? "" : ", once the rest is out of the way";
  return [`  \`warren apply ${flags.join(" ")}\` would do it${rest}`];
}
