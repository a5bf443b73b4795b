import { endOfString } from "../events/json.ts";

const code = (character: string) => character.charCodeAt(0);
const [QUOTE, COMMA, COLON] = [code('"'), code(","), code(":")];
const [OPEN_OBJECT, CLOSE_OBJECT] = [code("{"), code("}")];
const [OPEN_ARRAY, CLOSE_ARRAY] = [code("["), code("]")];

/**
 * The value of a member of an object as it was sent: decoding and encoding it anew would round
 * long numbers. Of a member that is there twice the last counts, as for JSON.parse.
 *
 * @param body a JSON object that has been decoded without error.
 */
export function memberBytes(body: Buffer, name: string): Buffer | null {
  let found: Buffer | null = null;
  let at = body.indexOf(OPEN_OBJECT) + 1;
  for (;;) {
    const key = body.indexOf(QUOTE, at);
    if (key === -1) return found;
    const keyEnd = endOfString(body, key);
    const start = body.indexOf(COLON, keyEnd) + 1;
    at = endOfValue(body, start);
    const isNamed = JSON.parse(body.toString("utf8", key, keyEnd + 1)) === name;
    if (isNamed) found = trim(body.subarray(start, at));
  }
}

/** Where the comma or the brace after a value is. */
function endOfValue(body: Buffer, start: number): number {
  let depth = 0;
  for (let at = start; at < body.length; at++) {
    const byte = body[at];
    if (byte === QUOTE) at = endOfString(body, at);
    else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) depth++;
    else if (depth === 0 && (byte === COMMA || byte === CLOSE_OBJECT)) return at;
    else if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) depth--;
  }
  return body.length;
}

function trim(bytes: Buffer): Buffer {
  let [start, end] = [0, bytes.length];
  while (isSpace(bytes[start])) start++;
  while (end > start && isSpace(bytes[end - 1])) end--;
  return bytes.subarray(start, end);
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}
