/** An apply report as text for a terminal or a log. */
import { type ErrorCode, type Problem, WarrenError } from "../../errors.ts";
import type { Difference } from "../inspect/differences.ts";
import type { ApplyEntry, ApplyReport } from "./apply.ts";

const MARKS: Readonly<Record<ApplyEntry["result"], string>> = {
  created: "+",
  unchanged: "=",
  ensured: "=",
  conflict: "!",
  missing: "!",
  refused: "!",
};

/** What was created, what was right (in one line), what is in conflict and why. */
export function formatReport(report: ApplyReport): string {
  const shown = report.entries.filter(({ result }) => MARKS[result] !== "=");
  const count = (result: ApplyEntry["result"]) =>
    report.entries.filter((entry) => entry.result === result).length;
  const bad = count("conflict") + count("missing") + count("refused");
  return [
    report.broker,
    ...shown.flatMap(formatEntry),
    `${count("created")} created, ${count("unchanged")} right already, ` +
      `${count("ensured")} bindings made sure of, ${bad} in conflict`,
    ...(bad === 0 || count("created") > 0 ? [] : ["nothing was changed"]),
  ].join("\n");
}

/** The error that a report amounts to, with the report as its text. */
export function blockedError(report: ApplyReport): WarrenError {
  const codes = blockingProblems(report).map(({ code }) => code);
  const worst = ["conflict", "missing-object"] as const;
  const code = worst.find((one) => codes.includes(one)) ?? "broker-refused";
  return new WarrenError(code, formatReport(report));
}

const BLOCKING: Partial<Record<ApplyEntry["result"], ErrorCode>> = {
  conflict: "conflict",
  missing: "missing-object",
  refused: "broker-refused",
};

/** What is in the way, each at its place; nothing in a report that is done. */
export function blockingProblems({ entries }: ApplyReport): readonly Problem[] {
  return entries.flatMap((entry) => {
    const code = BLOCKING[entry.result];
    if (code === undefined) return [];
    const { kind, name, differences = [], detail, at } = entry;
    const facts = [...differences.map(formatDifference), ...(detail === undefined ? [] : [detail])];
    const what = facts.length > 0 ? facts.join("; ") : "is external, and not there";
    return [{ code, message: `${kind} ${JSON.stringify(name)}: ${what}`, at }];
  });
}

function formatEntry(entry: ApplyEntry): readonly string[] {
  const { file, line } = entry.at;
  const head = `  ${MARKS[entry.result]} ${entry.kind.padEnd(8)}  ${entry.name}`;
  if (entry.result === "created") return [head];
  return [
    `${head}  ${entry.result}  ${file}:${line}`,
    ...(entry.differences ?? []).map((difference) => `      ${formatDifference(difference)}`),
    ...(entry.detail === undefined ? [] : [`      ${entry.detail}`]),
    ...(entry.result === "conflict" ? [`      ${adviceFor(entry)}`] : []),
    ...(entry.result === "missing" ? ["      external, so it has to be there already"] : []),
  ];
}

function formatDifference({ argument, wanted, live }: Difference): string {
  return `${argument}: the file says ${wanted}, the broker has ${live}`;
}

function adviceFor({ kind, name }: ApplyEntry): string {
  return (
    `an existing ${kind} can't be changed in place: write what the broker has, ` +
    `give the ${kind} a new name, or delete "${name}" on the broker once it is empty`
  );
}
