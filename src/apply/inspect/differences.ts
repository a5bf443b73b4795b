/**
 * Finds out over AMQP alone in what an existing object differs: the broker names one argument at
 * a time, so the declaration is repeated with the live value put in, until it is equal.
 */
import type { ArgumentValue } from "../../topology.ts";
import { fieldType } from "../wire.ts";

/** A value with its AMQP type, as a person reads it; `none` when absent. */
export type Difference = {
  readonly argument: string;
  readonly wanted: string;
  readonly live: string;
};

export type Declaration = {
  /** `durable`, `auto_delete`, `internal`, `type`: what the broker calls the flags. */
  readonly flags: Readonly<Record<string, string | boolean>>;
  readonly arguments: Readonly<Record<string, ArgumentValue>>;
};

/** Null: equal. Text: the broker's complaint, `inequivalent arg 'x-message-ttl' for queue …`. */
export type TryDeclaration = (declaration: Declaration) => Promise<string | null>;

type Complaint = {
  readonly argument: string;
  /** null: none. */
  readonly live: { readonly printed: string; readonly type: string | null } | null;
};

const MAX_ROUNDS = 20;

/** All differences, from the first complaint on. */
export async function findDifferences(
  wanted: Declaration,
  firstComplaint: string,
  tryDeclaration: TryDeclaration,
): Promise<readonly Difference[]> {
  const differences: Difference[] = [];
  let declaration = wanted;
  let text: string | null = firstComplaint;
  for (let round = 0; text !== null && round < MAX_ROUNDS; round++) {
    const complaint = readComplaint(text);
    if (!complaint) return [...differences, { argument: "?", wanted: "?", live: text }];
    const found = await identify(declaration, complaint, tryDeclaration);
    differences.push({
      argument: complaint.argument,
      wanted: showWanted(wanted, complaint.argument),
      live: found.live,
    });
    if (!found.next) return differences;
    declaration = found.next.declaration;
    text = found.next.complaint;
  }
  return differences;
}

/** Reads the broker's text; null when it is of another kind. Values are not escaped in it. */
export function readComplaint(text: string): Complaint | null {
  const argument = /inequivalent arg '(.+?)' for (?:queue|exchange) '/s.exec(text)?.[1];
  if (argument === undefined) return null;
  const live = /but current is (.*)$/s.exec(text)?.[1];
  if (live === undefined) return null;
  if (live === "none") return { argument, live: null };
  const typed = /^the value '(.*)' of type '(\w+)'$/s.exec(live);
  if (typed) return { argument, live: { printed: typed[1] ?? "", type: typed[2] ?? null } };
  return { argument, live: { printed: live.replace(/^'|'$/g, ""), type: null } };
}

type Found = {
  readonly live: string;
  /** The declaration with the live value, and what the broker says of it; null: can't go on. */
  readonly next: { readonly declaration: Declaration; readonly complaint: string | null } | null;
};

/** The live value with its type: the one that the broker stops complaining about. */
async function identify(
  declaration: Declaration,
  { argument, live }: Complaint,
  tryDeclaration: TryDeclaration,
): Promise<Found> {
  if (argument in declaration.flags) return { live: live?.printed ?? "none", next: null };
  for (const candidate of live === null ? [undefined] : candidates(live.printed)) {
    const next = withArgument(declaration, argument, candidate);
    const complaint = await tryDeclaration(next);
    if (complaint !== null && readComplaint(complaint)?.argument === argument) continue;
    return { live: show(candidate), next: { declaration: next, complaint } };
  }
  return { live: live === null ? "none" : `${live.printed} (${live.type ?? "?"})`, next: null };
}

/** What a printed value may be: a broker prints 10, "10" and 10.0 alike. */
function candidates(printed: string): readonly ArgumentValue[] {
  const number = printed.trim() === "" ? Number.NaN : Number(printed);
  return [
    printed,
    ...(printed === "true" || printed === "false" ? [printed === "true"] : []),
    ...(Number.isFinite(number) ? [number] : []),
  ];
}

function withArgument(
  declaration: Declaration,
  argument: string,
  value: ArgumentValue | undefined,
): Declaration {
  const { [argument]: _, ...others } = declaration.arguments;
  return {
    flags: declaration.flags,
    arguments: value === undefined ? others : { ...others, [argument]: value },
  };
}

function showWanted(declaration: Declaration, argument: string): string {
  const flag = declaration.flags[argument];
  return flag === undefined ? show(declaration.arguments[argument]) : String(flag);
}

/** `60000 (long)`, or none. */
function show(value: ArgumentValue | undefined): string {
  if (value === undefined) return "none";
  if (typeof value === "string") return `"${value}" (longstr)`;
  return `${typeof value === "object" ? JSON.stringify(value) : String(value)} (${fieldType(value)})`;
}
