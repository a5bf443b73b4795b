const token =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: JSON allows none of them in a string
  /\s*(?:([{}[\]:,])|("(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*")|(-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?|true|false|null))/y;

type State = "value" | "firstValue" | "key" | "firstKey" | "colon" | "next" | "end";

/**
 * Where a text stops being JSON. `JSON.parse` says it in some of its messages only, and in words
 * that differ between versions of Node.
 *
 * @param text one that `JSON.parse` has refused.
 */
export function jsonErrorOffset(text: string): number {
  const open: ("{" | "[")[] = [];
  let state: State = "value";
  for (let offset = 0; ; ) {
    token.lastIndex = offset;
    const match = token.exec(text);
    const here = offset + (/^\s*/.exec(text.slice(offset))?.[0].length ?? 0);
    if (match === null) return here;
    const [, mark, string] = match;
    const following = step(state, mark ?? (string === undefined ? "literal" : "string"), open);
    if (following === null) return here;
    state = following;
    offset = token.lastIndex;
  }
}

/** The state after a token, or null if the token may not stand there. */
function step(state: State, kind: string, open: ("{" | "[")[]): State | null {
  const isClosing =
    (kind === "}" && open.at(-1) === "{" && (state === "next" || state === "firstKey")) ||
    (kind === "]" && open.at(-1) === "[" && (state === "next" || state === "firstValue"));
  if (isClosing) {
    open.pop();
    return open.length === 0 ? "end" : "next";
  }
  if (state === "key" || state === "firstKey") return kind === "string" ? "colon" : null;
  if (state === "colon") return kind === ":" ? "value" : null;
  if (state === "next") return kind === "," ? (open.at(-1) === "{" ? "key" : "value") : null;
  if (state === "end") return null;
  if (kind === "{" || kind === "[") {
    open.push(kind);
    return kind === "{" ? "firstKey" : "firstValue";
  }
  if (kind !== "string" && kind !== "literal") return null;
  return open.length === 0 ? "end" : "next";
}
