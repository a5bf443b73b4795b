import { escapePointer } from "../events/pointer.ts";

/** The JSON Pointer (RFC 6901) of a member, however deep. */
export function join(pointer: string, ...keys: readonly (string | number)[]): string {
  return keys.reduce<string>((parent, key) => `${parent}/${escapePointer(String(key))}`, pointer);
}
