/** An apply report as text for a terminal or a log. */
import { type ErrorCode, formatPlace, type Problem, WarrenError } from "../../errors.ts";
import { isInTheWay } from "../plan/plan.ts";
import type { Difference, Plan } from "../planned.ts";
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
  const shown = report.entries.filter(({ result }) => MARKS[result] !== "=");
  return [
    report.broker,
    ...shown.flatMap((entry) => formatEntry(entry, report.plan)),
    `  ${summary(report)}.  state: generation ${report.generation}`,
    ...remedies(report),
  ].join("\n");
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

function formatEntry(entry: ApplyEntry, plan: Plan): readonly string[] {
  const { kind, name, result, at, detail, differences = [] } = entry;
  const place = at && !isRight(entry) ? `  ${formatPlace(at).replace(/:\d+$/, "")}` : "";
  const word = result === "created" || result === "updated" ? "" : `  ${result}`;
  const head = `  ${MARKS[result].padStart(2)} ${kind.padEnd(8)}  ${name}${word}${place}`;
  return [
    detail === undefined || differences.length > 0 ? head : `${head}: ${detail}`,
    ...differences.map((difference) => `       ${formatDifference(difference)}`),
    ...(detail !== undefined && differences.length > 0 ? [`       ${detail}`] : []),
    ...(isRight(entry) ? [] : notesOf(entry, plan).map((note) => `       ${note}`)),
  ];
}

function notesOf({ kind, name }: ApplyEntry, { entries }: Plan): readonly string[] {
  return entries.find((entry) => entry.kind === kind && entry.name === name)?.notes ?? [];
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
function summary({ entries }: ApplyReport): string {
  const counts = WORDS.map(([result, word]) => {
    const count = entries.filter((entry) => entry.result === result).length;
    return count > 0 || result === "created" ? [`${count} ${word}`] : [];
  });
  const wrong = entries.filter((entry) => !isRight(entry)).length;
  return [...counts.flat(), ...(wrong > 0 ? [`${wrong} in the way`] : [])].join(", ");
}

/** The command that would do what this one was not allowed to. */
function remedies({ plan }: ApplyReport): readonly string[] {
  const stopping = plan.entries.filter(isInTheWay);
  if (stopping.length === 0) return [];
  const flags = [...new Set(stopping.flatMap(({ blocked }) => blocked?.flags ?? []))];
  const allowed = `warren apply ${flags.sort().join(" ")}`;
  const isAll = stopping.every(({ blocked }) => (blocked?.flags.length ?? 0) > 0);
  const what = isAll ? "goes on" : "goes on once the rest is out of the way";
  return ["  nothing was changed", ...(flags.length === 0 ? [] : [`  \`${allowed}\` ${what}`])];
}
