import { quoted } from "../errors.ts";
import type { Queue } from "../topology.ts";
import type { Consuming, ErrorNames } from "./file.ts";
import { join } from "./pointer.ts";
import type { Report } from "./report.ts";

const LISTS = ["retryOn", "rejectOn"] as const;
type List = (typeof LISTS)[number];

/** What is decided before any list is asked. */
const DECIDED: Readonly<Record<string, string>> = {
  Reject: "a handler that throws Reject has decided: its message is dead-lettered",
  Retry: "a handler that throws Retry has decided: its message is retried",
  "handler-crash": "worker.crashes says how often a message may end its thread",
};

/** Which failures of a queue's handler are retried, and which are dead-lettered at once. */
export function errorLists(
  block: Consuming,
  defaults: Consuming,
): Pick<Queue, "retryOn" | "rejectOn"> {
  const retryOn = block.retryOn ?? defaults.retryOn;
  return {
    retryOn: isList(retryOn) ? namesIn(retryOn) : null,
    rejectOn: namesIn(block.rejectOn ?? defaults.rejectOn),
  };
}

/**
 * What a block says of errors has to mean something, and one thing.
 *
 * @param defaults null: the block is that itself.
 */
export function checkErrorLists(
  block: Consuming,
  defaults: Consuming | null,
  pointer: string,
  report: Report,
): void {
  for (const list of LISTS) {
    checkDecided(block, list, pointer, report);
    const isRetried = (block.retry ?? defaults?.retry) !== "none";
    // Of the defaults a queue may say that it is retried.
    if (block[list] === undefined || isRetried || defaults === null) continue;
    const message = `${list} means nothing where retry is none`;
    report.key("bad-value", join(pointer, list), message);
  }
  // What is named twice is wrong where it is said last: in the block.
  const [own, other] = block.rejectOn === undefined ? LISTS : LISTS.toReversed();
  if (own === undefined || other === undefined || block[own] === undefined) return;
  const others = namesIn(block[other] ?? defaults?.[other]);
  for (const [name, at] of entriesOf(block, own, pointer)) {
    if (!others.includes(name)) continue;
    const where = block[other] === undefined ? `defaults.${other}` : other;
    report.value("bad-value", at, `${own} names ${quoted(name)}, which ${where} names as well`);
  }
}

function checkDecided(block: Consuming, list: List, pointer: string, report: Report): void {
  for (const [name, at] of entriesOf(block, list, pointer)) {
    const reason = Object.hasOwn(DECIDED, name) ? DECIDED[name] : undefined;
    if (reason === undefined) continue;
    report.value("bad-value", at, `${list} names ${quoted(name)}, which means nothing: ${reason}`);
  }
}

/** The names of a list, each with its pointer. */
function entriesOf(block: Consuming, list: List, pointer: string): [name: string, at: string][] {
  const names = block[list];
  if (!isList(names)) return [];
  return names.flatMap((name, index) =>
    name === undefined ? [] : [[name, join(pointer, list, String(index))]],
  );
}

function namesIn(names: ErrorNames | undefined): readonly string[] {
  return isList(names) ? names.flatMap((name) => name ?? []) : [];
}

function isList(names: ErrorNames | undefined): names is readonly (string | undefined)[] {
  return Array.isArray(names);
}
