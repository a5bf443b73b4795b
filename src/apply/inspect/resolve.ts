/**
 * Finds out over AMQP alone what an existing object is like: a broker that refuses a declaration
 * names one difference at a time, so it is repeated with the live value put in, until it is equal.
 */
import type { Arguments, ArgumentValue } from "../../topology.ts";
import type { Refusal } from "../change/channels.ts";

export type Declaration = {
  /** `durable`, `auto_delete`, `internal`, `type`: what the broker calls the flags. */
  readonly flags: Readonly<Record<string, string | boolean>>;
  readonly arguments: Arguments;
};

/** Declares; null: it is equal to what is there. */
export type TryDeclaration = (declaration: Declaration) => Promise<Refusal | null>;

export type Resolved =
  | { readonly ok: true; readonly declaration: Declaration }
  /** The refusal that is no difference, or whose value can't be told. */
  | { readonly ok: false; readonly refusal: Refusal };

/** More than there are arguments. */
const MAX_ROUNDS = 40;

/** The declaration that is equal to what is there: `wanted`, with the live values put in. */
export async function resolveLive(
  wanted: Declaration,
  tryDeclaration: TryDeclaration,
): Promise<Resolved> {
  let declaration = wanted;
  let refusal = await tryDeclaration(wanted);
  for (let round = 0; refusal !== null && round < MAX_ROUNDS; round++) {
    const step = await nextStep(declaration, refusal, tryDeclaration);
    if (!step) break;
    declaration = step.declaration;
    refusal = step.refusal;
  }
  return refusal === null ? { ok: true, declaration } : { ok: false, refusal };
}

type Step = { readonly declaration: Declaration; readonly refusal: Refusal | null };

/** Puts in the value of which the broker stops complaining; null: there is none. */
async function nextStep(
  declaration: Declaration,
  { text }: Refusal,
  tryDeclaration: TryDeclaration,
): Promise<Step | null> {
  const complaint = readComplaint(text);
  if (!complaint) return null;
  for (const next of alternatives(declaration, complaint)) {
    const refusal = await tryDeclaration(next);
    const isStill = refusal && readComplaint(refusal.text)?.argument === complaint.argument;
    if (!isStill) return { declaration: next, refusal };
  }
  return null;
}

type Complaint = {
  readonly argument: string;
  /** As printed, without its type; null: none. */
  readonly live: string | null;
};

/**
 * Reads `inequivalent arg 'x-message-ttl' for queue 'q' in vhost '/': received '10' but current is
 * '11'`; null for a text of another kind. Names and values are not escaped in it.
 */
export function readComplaint(text: string): Complaint | null {
  const argument = /^inequivalent arg '(.+?)' for (?:queue|exchange) '/s.exec(text)?.[1];
  const live = /but current is (.*)$/s.exec(text)?.[1];
  if (argument === undefined || live === undefined) return null;
  if (live === "none") return { argument, live: null };
  const typed = /^the value '(.*)' of type '\w+'$/s.exec(live)?.[1];
  return { argument, live: typed ?? live.replace(/^'|'$/g, "") };
}

function alternatives(
  { flags, arguments: args }: Declaration,
  { argument, live }: Complaint,
): readonly Declaration[] {
  const { [argument]: flag, ...otherFlags } = flags;
  if (flag !== undefined) {
    // An exchange type with a hyphen is printed in quotes of its own.
    const word = (live ?? "").replace(/^'|'$/g, "");
    const value = typeof flag === "boolean" ? word === "true" : word;
    return [{ flags: { ...otherFlags, [argument]: value }, arguments: args }];
  }
  const { [argument]: _, ...others } = args;
  if (live === null) return [{ flags, arguments: others }];
  return candidates(live).map((value) => ({ flags, arguments: { ...others, [argument]: value } }));
}

/** What a printed value may be: a broker prints 10 and "10" alike. */
function candidates(printed: string): readonly ArgumentValue[] {
  const number = printed.trim() === "" ? Number.NaN : Number(printed);
  return [
    printed,
    ...(printed === "true" || printed === "false" ? [printed === "true"] : []),
    ...(Number.isFinite(number) ? [number, { "!": "double", value: number }] : []),
  ];
}
