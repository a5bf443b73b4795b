import type { CST } from "yaml";
import { NUMBERS } from "../numbers.ts";

/**
 * The offset of the first value that is nested too deep; null if none is. The parser counts levels
 * in a list, but what follows it calls itself for each, and a regular expression that V8 compiles
 * near the end of the stack ends the process.
 */
export function tooDeep(tokens: readonly CST.Token[]): number | null {
  const pending = tokens.map((token) => ({ token, depth: 0 }));
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { token, depth } = next;
    if (depth > NUMBERS.maxJsonDepth) return token.offset;
    if (token.type === "document" && token.value) pending.push({ token: token.value, depth });
    if (!("items" in token)) continue;
    for (const { key, value } of token.items) {
      if (key) pending.push({ token: key, depth: depth + 1 });
      if (value) pending.push({ token: value, depth: depth + 1 });
    }
  }
  return null;
}
