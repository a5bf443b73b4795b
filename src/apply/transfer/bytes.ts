import type { Place } from "../../errors.ts";

/** Whether JSON passes the byte over between two values. */
export function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

/** `0` to `9` */
export function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39;
}

/** Whether the byte can stand in a number. */
export function isNumberByte(byte: number | undefined): boolean {
  return byte !== undefined && (isDigit(byte) || "+-.eE".includes(String.fromCharCode(byte)));
}

/** The place of an offset in a file; its column counts characters. */
export function placeAt(file: string, bytes: Buffer, offset: number): Place {
  const before = bytes.subarray(0, offset);
  let line = 1;
  for (let at = before.indexOf(0x0a); at >= 0; at = before.indexOf(0x0a, at + 1)) line++;
  const start = before.lastIndexOf(0x0a) + 1;
  return { file, line, column: before.toString("utf8", start).length + 1 };
}
