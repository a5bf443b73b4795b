import { readFileSync } from "node:fs";
import type { Place, Problem } from "../errors.ts";
import { NUMBERS } from "../numbers.ts";

export type Source =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly problem: Problem };

/** Reads a file that a user wrote: UTF-8 with or without BOM, of bounded size. */
export function readSource(file: string): Source {
  const start: Place = { file, line: 1, column: 1 };
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    return failed("file-not-found", `${file} cannot be read: ${reason(error)}`, start);
  }
  if (bytes.length > NUMBERS.maxFileBytes) {
    const message = `${file} is ${bytes.length} bytes, at most ${NUMBERS.maxFileBytes} are read`;
    return failed("file-too-large", message, start);
  }
  try {
    return { ok: true, text: new TextDecoder("utf-8", { fatal: true }).decode(bytes) };
  } catch {
    const text = new TextDecoder().decode(bytes);
    const place = placeAt(file, text, text.indexOf("\ufffd"));
    return failed("yaml-syntax", `${file} is not UTF-8`, place);
  }
}

/** The place of an offset in a text. */
export function placeAt(file: string, text: string, offset: number): Place {
  const before = text.slice(0, Math.max(0, offset));
  const lineStart = before.lastIndexOf("\n") + 1;
  return { file, line: before.split("\n").length, column: before.length - lineStart + 1 };
}

function failed(code: Problem["code"], message: string, at: Place): Source {
  return { ok: false, problem: { code, message, at } };
}

function reason(error: unknown): string {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return code === "ENOENT" ? "no such file" : String(code ?? error);
}
