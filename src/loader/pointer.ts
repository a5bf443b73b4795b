import { escapePointer, unescapePointer } from "../events/violations.ts";

/** The JSON Pointer (RFC 6901) of a member, however deep. */
export function join(pointer: string, ...keys: readonly (string | number)[]): string {
  return keys.reduce<string>((parent, key) => `${parent}/${escapePointer(String(key))}`, pointer);
}

/** The keys and indexes of a JSON Pointer, as text. */
export function split(pointer: string): readonly string[] {
  return pointer.split("/").slice(1).map(unescapePointer);
}
