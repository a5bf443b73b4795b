/** A plan as text, for a terminal or a log. */

import { counted } from "../../counted.ts";
import type { Live } from "../live.ts";
import type { Action, Blocked, Plan, PlanEntry } from "../planned.ts";
import type { StateRecord } from "../state/record.ts";
import { isSilent } from "./document.ts";
import { describeEntry, type EntryText } from "./format-entry.ts";
import { type Paint, painter } from "./paint.ts";

export type PlanHead = {
  readonly vhost: string;
  readonly live: Pick<
    Live,
    "broker" | "by" | "exchanges" | "queues" | "bindings" | "policies" | "unseen"
  >;
  readonly state: StateRecord | null;
  /** How long the reading took. */
  readonly tookMs: number;
  /** Whether escape sequences are understood, and wanted. */
  readonly color: boolean;
};

/** What was looked at and how, every entry that there is something to say of, and what is blocked. */
export function formatPlan(plan: Plan, head: PlanHead): string {
  const paint = painter(head.color);
  const shown = plan.entries.filter((entry) => !isSilent(entry));
  const body = formatEntries(
    shown.map((entry) => describeEntry(entry, head.state)),
    paint,
  );
  return [
    headLine(plan, head),
    ...head.live.unseen.map((what) => paint("dim", `  not looked at: ${what}`)),
    "",
    ...body,
    ...(body.length > 0 ? [""] : []),
    ...summary(plan, paint).map((line) => `  ${line}`),
  ].join("\n");
}

function headLine({ project }: Plan, { vhost, live, state, tookMs }: PlanHead): string {
  const sizes = [live.exchanges.size, live.queues.size, live.bindings?.length ?? 0];
  const objects = sizes.reduce((sum, size) => sum + size, live.policies?.length ?? 0);
  const way = live.by === "management" ? "management API" : "AMQP alone";
  const read = `(${way}, read ${counted(objects, "object")} in ${Math.round(tookMs)} ms)`;
  const known = state
    ? `state: generation ${state.generation}, ${timeOf(state.appliedAt)} by ${state.by}`
    : "state: none";
  return [project, `vhost ${vhost}`, live.broker, known, read].join("  ");
}

/** `2026-08-20 18:02 UTC` */
function timeOf(iso: string): string {
  return `${iso.slice(0, 16).replace("T", " ")} UTC`;
}

/** Columns are as wide as what stands in them, up to a limit: what is longer only moves its own line. */
const WIDEST = { name: 40, detail: 44 };

function formatEntries(texts: readonly EntryText[], paint: Paint): readonly string[] {
  const width = (key: "name" | "detail") =>
    Math.max(0, ...texts.map((text) => text[key].length).filter((size) => size <= WIDEST[key]));
  const [nameWidth, detailWidth] = [width("name"), width("detail")];
  return texts.flatMap(({ mark, color, kind, name, detail, place, lines }) => {
    const head = [
      `${mark.padStart(3)} ${kind.padEnd(8)}`,
      name.padEnd(nameWidth),
      detail.padEnd(detailWidth),
      place,
    ];
    return [
      paint(color, head.join("  ").trimEnd()),
      ...lines.map((line) => `${" ".repeat(6)}${line}`),
    ];
  });
}

/** The action's word in a summary; what has none is no change. */
const COUNTED: readonly (readonly [words: string, actions: readonly Action[]])[] = [
  ["to add", ["create", "bind"]],
  ["to change", ["update"]],
  ["to replace", ["replace"]],
  ["to remove", ["unbind", "remove"]],
  ["kept", ["kept"]],
  ["in conflict", ["conflict"]],
  ["missing", ["missing"]],
  ["hidden", ["hidden"]],
  ["not ours", ["foreign"]],
  ["unchanged", ["unchanged"]],
  ["made sure of", ["ensure"]],
];

function summary(plan: Plan, paint: Paint): readonly string[] {
  const { entries, others, hasDifferences } = plan;
  const counts = COUNTED.flatMap(([words, actions]) => {
    const count = entries.filter(({ action }) => actions.includes(action)).length;
    return count > 0 ? [`${count} ${words}`] : [];
  });
  const foreign = [
    ...(others.exchanges > 0 ? [counted(others.exchanges, "exchange")] : []),
    ...(others.queues > 0 ? [counted(others.queues, "queue")] : []),
  ];
  return [
    hasDifferences
      ? paint("bold", `Plan: ${counts.join(", ")}.`)
      : `Nothing to do: the broker has what the file says (${counts.join(", ") || "nothing"}).`,
    ...blockedLines(entries, paint),
    ...(foreign.length > 0
      ? [paint("dim", `Not listed: ${foreign.join(" and ")} of others, which touch nothing here.`)]
      : []),
  ];
}

/** `Blocked: 1 replace (needs --allow-replace), 2 conflicts.` */
function blockedLines(entries: readonly PlanEntry[], paint: Paint): readonly string[] {
  const groups = new Map<string, number>();
  for (const { action, blocked } of entries) {
    if (!blocked) continue;
    const group = `${NOUNS[action] ?? action}${needs(blocked)}`;
    groups.set(group, (groups.get(group) ?? 0) + 1);
  }
  if (groups.size === 0) return [];
  const texts = [...groups].map(([group, count]) => `${count} ${group}`);
  return [paint("yellow", `Blocked: ${texts.join(", ")}.`)];
}

const NOUNS: Partial<Record<Action, string>> = {
  remove: "removal",
  unbind: "unbinding",
  bind: "binding",
  create: "creation",
};

function needs({ flags }: Blocked): string {
  return flags.length === 0 ? "" : ` (needs ${flags.join(" ")})`;
}
