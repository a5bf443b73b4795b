import { messageOf, quoted, WarrenError } from "../errors.ts";

/**
 * Headers of a command line: each text a JSON object, or `name=value`, where true, false, a number or
 * text in double quotes is what JSON takes it for, and all else is text.
 *
 * @throws {WarrenError} bad-argument
 */
export function parseHeaders(texts: readonly string[]): Readonly<Record<string, unknown>> {
  const headers: Record<string, unknown> = Object.create(null);
  for (const text of texts) {
    if (text.trimStart().startsWith("{")) Object.assign(headers, parseObject(text));
    else {
      const split = text.indexOf("=");
      if (split < 1) throw refuse(`must be JSON or name=value, found ${quoted(text)}`);
      headers[text.slice(0, split)] = parseValue(text.slice(split + 1));
    }
  }
  return headers;
}

function parseObject(text: string): object {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw refuse(`${quoted(text)} is no JSON: ${messageOf(cause)}`, cause);
  }
}

function parseValue(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" ? text : value;
  } catch {
    return text;
  }
}

function refuse(what: string, cause?: unknown): WarrenError {
  return new WarrenError("bad-argument", `--headers ${what}`, { cause });
}
