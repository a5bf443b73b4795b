import { isUtf8 } from "node:buffer";
import { NUMBERS } from "../numbers.ts";

/** A decoded body, or why it is none, in words. */
export type Decoded =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly message: string };

/** How much a body may hold. */
export type JsonLimits = {
  /** Levels of objects and arrays. */
  readonly depth: number;
  /** Objects, arrays and what is in them, keys not counted. */
  readonly values: number;
};

/** Of a message. */
export const MESSAGE_LIMITS: JsonLimits = {
  depth: NUMBERS.maxJsonDepth,
  values: NUMBERS.maxJsonValues,
};

/**
 * Decodes a body: JSON in UTF-8 without byte order mark, within the limits, all of its strings
 * well-formed and no key `__proto__`, which would change a prototype once it is copied.
 */
export function decodeJson(body: Buffer, limits: JsonLimits = MESSAGE_LIMITS): Decoded {
  if (body.length === 0) return refuse("the body is empty");
  if (!isUtf8(body)) return refuse("the body is not UTF-8");
  if (body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf) {
    return refuse("the body begins with a byte order mark");
  }
  const excess = findExcess(body, limits);
  if (excess !== null) return refuse(excess);
  const text = body.toString("utf8");
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return refuse(`the body is not JSON: ${(error as Error).message}`);
  }
  // In valid UTF-8 a lone surrogate can only be written as an escape, and so a hidden key.
  const isSuspect = text.includes("\\u") || text.includes("__proto__");
  const problem = isSuspect ? findProblem(value) : null;
  return problem === null ? { ok: true, value } : refuse(problem);
}

function refuse(message: string): Decoded {
  return { ok: false, message };
}

const SPACE = 0x20;
const COMMA = 0x2c;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Counts outside of strings, so that nothing deep or wide is ever built. */
function findExcess(
  body: Buffer,
  { depth: maxDepth, values: maxValues }: JsonLimits,
): string | null {
  const { length } = body;
  // A bracket has to be closed, too: what is shorter can't be that deep, or is no JSON.
  if (length <= 2 * maxDepth) return null;
  let depth = 0;
  let deepest = 0;
  let values = 1;
  let isFirst = false;
  for (let at = 0; at < length; at++) {
    const byte = body[at];
    if (byte === SPACE || byte === 0x0a || byte === 0x0d || byte === 0x09) continue;
    const closes = byte === 0x7d || byte === 0x5d;
    // The first of a list has no comma before it.
    if (byte === COMMA || (isFirst && !closes)) values += 1;
    isFirst = false;
    if (byte === QUOTE) {
      at = endOfString(body, at);
    } else if (byte === 0x7b || byte === 0x5b) {
      depth += 1;
      if (depth > deepest) deepest = depth;
      isFirst = true;
    } else if (closes) {
      depth -= 1;
    }
  }
  if (deepest > maxDepth)
    return `the body is nested ${deepest} levels deep, at most ${maxDepth} are taken`;
  return values > maxValues
    ? `the body has ${values} values, at most ${maxValues} are taken`
    : null;
}

/** Of the string whose opening quote is at `start`: where its closing quote is. */
export function endOfString(body: Buffer, start: number): number {
  let at = start + 1;
  while (at < body.length && body[at] !== QUOTE) at += body[at] === BACKSLASH ? 2 : 1;
  return at;
}

/** Recursive: the depth is bounded by now. */
function findProblem(value: unknown): string | null {
  if (typeof value === "string") {
    return value.isWellFormed() ? null : "a string of the body has a lone surrogate";
  }
  if (typeof value !== "object" || value === null) return null;
  for (const [key, member] of Object.entries(value)) {
    if (key === "__proto__") return "the body has a key __proto__";
    const problem = findProblem(key) ?? findProblem(member);
    if (problem !== null) return problem;
  }
  return null;
}
