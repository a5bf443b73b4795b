import { NUMBERS } from "../numbers.ts";
import type { Report, Spot } from "./report.ts";

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const control = /[\u0000-\u001f\u007f-\u009f]/;

/** Checks the name of an exchange or queue. */
export function checkName(
  name: string,
  isExternal: boolean,
  { pointer, on }: Spot,
  report: Report,
): void {
  const problem = name === "" ? "must not be empty" : shortStringProblem(name);
  if (problem !== null) {
    report[on]("bad-name", pointer, `the name ${shownName(name)} ${problem}`);
  }
  const reserved = ["amq.", "warren."].find((prefix) => name.startsWith(prefix));
  if (reserved === undefined || (isExternal && reserved === "amq.")) return;
  report[on]("reserved-name", pointer, `the name ${shownName(name)} begins with ${reserved}`);
}

/** `<delay>.<queue>` is the key by which a retry finds its queue: the longest delay is 13 bytes. */
const maxRetriedNameBytes = NUMBERS.maxNameBytes - 15;

/** Checks the name of a queue that retries: it is part of a routing key and of a binding. */
export function checkRetriedName(name: string, pointer: string, report: Report): void {
  const bytes = Buffer.byteLength(name);
  if (bytes > maxRetriedNameBytes && bytes <= NUMBERS.maxNameBytes) {
    const problem = `is ${bytes} bytes, at most ${maxRetriedNameBytes} for a queue that retries`;
    report.key("bad-name", pointer, `the name ${shownName(name)} ${problem}`);
  }
  if (name.split(".").some((word) => word === "*" || word === "#")) {
    const problem = "has a word * or #, which would catch the retries of other queues";
    report.key("bad-name", pointer, `the name ${shownName(name)} ${problem}`);
  }
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
