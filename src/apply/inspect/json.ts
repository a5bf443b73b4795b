/** JSON of the management API, without what `JSON.parse` forgets: that 10.0 is no whole number. */
import type { TypedValue } from "../wire.ts";

/** A string, which is passed over, or a number. */
const TOKENS = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d+(\.\d+)?([eE][+-]?\d+)?/g;

/**
 * What a JSON text says, where a number whose value would not tell its type is a `TypedValue`.
 *
 * @throws {SyntaxError} for what is no JSON.
 */
export function parseJson(text: string): unknown {
  return JSON.parse(text.replace(TOKENS, typedNumber));
}

function typedNumber(token: string, fraction?: string, exponent?: string): string {
  if (token.startsWith('"')) return token;
  const value = Number(token);
  if (fraction !== undefined || exponent !== undefined) {
    return Number.isInteger(value) ? typed({ "!": "double", value }) : token;
  }
  return isExact(token, value) ? token : typed({ "!": "long", value: token });
}

function isExact(token: string, value: number): boolean {
  if (Number.isSafeInteger(value)) return true;
  return Number.isFinite(value) && BigInt(token) === BigInt(value);
}

function typed(value: TypedValue): string {
  return JSON.stringify(value);
}
