/** By which names a file may speak of an error that a handler threw. */
import { NUMBERS } from "../../../numbers.ts";

/** Causes of causes, and classes of classes: nobody has more on purpose. */
const MOST = 16;

/**
 * Of what was thrown, then of its `cause`, and so on: the names of its classes, its own `name` and its
 * `code`. Never throws, whatever it is.
 */
export function namesOf(thrown: unknown): readonly (readonly string[])[] {
  const all: (readonly string[])[] = [];
  const seen = new Set<unknown>();
  let error = thrown;
  while (isObject(error) && !seen.has(error) && all.length < MOST) {
    seen.add(error);
    all.push(namesOfOne(error));
    error = read(error, "cause");
  }
  return all;
}

function namesOfOne(error: object): readonly string[] {
  const code = read(error, "code");
  const said = [read(error, "name"), typeof code === "number" ? String(code) : code];
  const names = [...said, ...classesOf(error)].filter(isName);
  return [...new Set(names)];
}

function classesOf(error: object): readonly unknown[] {
  const classes: unknown[] = [];
  let prototype = prototypeOf(error);
  while (prototype !== null && prototype !== Object.prototype && classes.length < MOST) {
    const made = read(prototype, "constructor");
    if (typeof made === "function") classes.push(read(made, "name"));
    prototype = prototypeOf(prototype);
  }
  return classes;
}

function isName(value: unknown): value is string {
  if (typeof value !== "string" || value === "") return false;
  return Buffer.byteLength(value) <= NUMBERS.maxNameBytes;
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

/** A getter, or a proxy, may throw. */
function read(from: object, key: string): unknown {
  try {
    return (from as Record<string, unknown>)[key];
  } catch {
    return undefined;
  }
}

function prototypeOf(of: object): object | null {
  try {
    return Object.getPrototypeOf(of);
  } catch {
    return null;
  }
}
