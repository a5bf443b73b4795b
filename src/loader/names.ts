import { NUMBERS } from "../numbers.ts";
import type { Report } from "./report.ts";

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const control = /[\u0000-\u001f\u007f-\u009f]/;

/** Checks the name of an exchange or queue, which is the key at the pointer. */
export function checkName(
  name: string,
  isExternal: boolean,
  pointer: string,
  report: Report,
): void {
  const problem = name === "" ? "must not be empty" : shortStringProblem(name);
  if (problem !== null) {
    report.key("bad-name", pointer, `the name ${shownName(name)} ${problem}`);
  }
  const reserved = ["amq.", "warren."].find((prefix) => name.startsWith(prefix));
  if (reserved === undefined || (isExternal && reserved === "amq.")) return;
  report.key("reserved-name", pointer, `the name ${shownName(name)} begins with ${reserved}`);
}

/** Checks a routing key, or another text that AMQP sends as a short string. */
export function checkShortString(
  text: string,
  what: string,
  pointer: string,
  on: "key" | "value",
  report: Report,
): void {
  const problem = shortStringProblem(text);
  if (problem !== null) report[on]("bad-name", pointer, `${what} ${shownName(text)} ${problem}`);
}

/** The broker strips line ends from a name when it is declared, and not when it is consumed. */
function shortStringProblem(text: string): string | null {
  const bytes = Buffer.byteLength(text);
  if (bytes > NUMBERS.maxNameBytes) return `is ${bytes} bytes, at most ${NUMBERS.maxNameBytes}`;
  if (!text.isWellFormed()) return "is not well-formed Unicode";
  return control.test(text) ? "has a control character" : null;
}

function shownName(text: string): string {
  const shown = text.length > 40 ? `${text.slice(0, 39)}…` : text;
  return JSON.stringify(shown);
}
