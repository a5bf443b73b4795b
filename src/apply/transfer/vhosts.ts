import { quoted, WarrenError } from "../../errors.ts";
import type { JsonReader } from "./json-reader.ts";
import type { Counts, Survey } from "./survey.ts";

/**
 * An object of a vhost that the definitions don't have can't be declared.
 *
 * @throws {WarrenError} bad-definitions, at the first of them.
 */
export function checkVhosts({ listed, firstAt }: Survey, reader: JsonReader): void {
  if (listed === null) return;
  for (const [vhost, at] of firstAt) {
    if (listed.has(vhost)) continue;
    throw reader.refuse(`vhost ${quoted(vhost)} is not among the vhosts of these definitions`, at);
  }
}

/**
 * The vhost that is to be read: the one that is wanted, or else the only one.
 *
 * @returns null where the definitions don't name it.
 * @throws {WarrenError} several-vhosts, bad-argument
 */
export function chooseVhost(seen: Survey, wanted: string | null, file: string): string | null {
  const named = [...seen.counts.keys()].filter((name) => name !== null);
  const names = [...new Set([...(seen.listed ?? []), ...named])];
  // Definitions of one vhost name it in policies alone, or apart.
  const only = seen.counts.has(null) ? (seen.vhost ?? names[0] ?? null) : null;
  if (seen.counts.has(null) && names.length < 2) {
    if (wanted === null || only === null || wanted === only) return wanted ?? only;
    throw absent(wanted, [only], file);
  }
  if (wanted !== null) {
    if (names.includes(wanted)) return wanted;
    throw absent(wanted, names, file);
  }
  const [first, ...others] = names;
  if (others.length === 0) return first ?? null;
  const list = names.map((name) => `${quoted(name)} (${sizeOf(seen.counts.get(name))})`).join(", ");
  throw new WarrenError("several-vhosts", `${file} has ${names.length} vhosts: ${list}`);
}

function absent(wanted: string, names: readonly string[], file: string): WarrenError {
  const list = names.map(quoted).join(", ") || "none";
  return new WarrenError("bad-argument", `${file} has no vhost ${quoted(wanted)}, it has ${list}`);
}

function sizeOf(counts: Counts | undefined): string {
  const { exchanges = 0, queues = 0, bindings = 0 } = counts ?? {};
  const words = [
    [exchanges, "exchange"],
    [queues, "queue"],
    [bindings, "binding"],
  ] as const;
  return words.map(([number, word]) => `${number} ${word}${number === 1 ? "" : "s"}`).join(", ");
}
