import type { ErrorObject } from "ajv";
import type { ErrorCode } from "../errors.ts";
import { split } from "../events/pointer.ts";
import type { Position } from "./document.ts";
import { didYouMean } from "./suggest.ts";
import { EXAMPLES, formatQuantity, parseQuantity, type Quantity } from "./units.ts";

/** What the schema says of a duration, a size or a rate; bounds in milliseconds, bytes or runs an hour. */
export type Quantities = {
  readonly kind: Quantity;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly multipleOf?: number;
  /** `none` is a value as well. */
  readonly orNone?: boolean;
};

/** A finding before it has its place. */
export type Finding = {
  readonly code: ErrorCode;
  readonly message: string;
  readonly on: "key" | "value";
};

const typeWords: Readonly<Record<string, string>> = {
  string: "text",
  integer: "a whole number",
  number: "a number",
  boolean: "true or false",
  object: "a map",
  array: "a list",
};
const emptiness: ReadonlySet<string> = new Set(["minItems", "minLength", "minProperties"]);
const digits = /^[-+]?\d+(\.\d+)?$/;
/** `100_000`, `1,000`, `0o17`: meant as a number, read as text. */
const almostNumber = /^[-+.]?\d[\d_,.]*$|^0[xob][\da-f_]+$/i;

/** What is wrong with a duration, size or rate, or null. */
export function quantityProblem(schema: Quantities, text: string): string | null {
  if (schema.orNone && text === "none") return null;
  const parsed = parseQuantity(schema.kind, text);
  if (!parsed.ok) return parsed.message;
  const { minimum = 0, maximum = Number.MAX_SAFE_INTEGER, multipleOf = 1 } = schema;
  if (parsed.value >= minimum && parsed.value <= maximum && parsed.value % multipleOf === 0) {
    return null;
  }
  const least = formatQuantity(schema.kind, minimum);
  const most = formatQuantity(schema.kind, maximum);
  const step = multipleOf === 1 ? "" : ` in steps of ${formatQuantity(schema.kind, multipleOf)}`;
  return `must be ${least} to ${most}${step}, found ${text}`;
}

/** One finding for all errors about one value; the first error says best what is wrong. */
export function findingOf(
  errors: readonly ErrorObject[],
  pointer: string,
  position: Position | undefined,
): Finding {
  const [error] = errors;
  if (error === undefined) throw new RangeError("no error to report");
  const key = split(pointer).at(-1) ?? "";
  if (error.keyword === "additionalProperties") {
    const known = Object.keys(error.parentSchema?.properties ?? {});
    const message = `unknown key ${JSON.stringify(key)}${didYouMean(key, known)}`;
    return { code: "unknown-key", message, on: "key" };
  }
  if (error.keyword === "required") {
    return { code: "missing-key", message: `missing key ${JSON.stringify(key)}`, on: "key" };
  }
  const { code, message } = valueFinding(error, expectation(errors), position);
  return { code, message: `${labelOf(pointer)} ${message}`, on: "value" };
}

function valueFinding(
  error: ErrorObject,
  expected: string,
  position: Position | undefined,
): { readonly code: ErrorCode; readonly message: string } {
  const { data, keyword, parentSchema = {} } = error;
  if (data === null && position?.commented) {
    return { code: "yaml-trap", message: "has no value: # begins a comment in YAML; quote it" };
  }
  const quantity: Quantities | undefined = parentSchema["x-quantity"];
  if (quantity !== undefined && keyword !== "pattern") return quantityFinding(quantity, data);
  if (keyword === "type") return typeFinding(error, expected, position);
  const found = `found ${shown(data)}`;
  if (emptiness.has(keyword)) return { code: "bad-value", message: "must not be empty" };
  const choices = keyword === "enum" ? (error.params.allowedValues as readonly string[]) : [];
  const hint = typeof data === "string" ? didYouMean(data, choices) : "";
  return { code: "bad-value", message: `${limit(error, expected)}, ${found}${hint}` };
}

function quantityFinding(
  quantity: Quantities,
  data: unknown,
): { readonly code: ErrorCode; readonly message: string } {
  const code = ({ duration: "bad-duration", size: "bad-size", rate: "bad-rate" } as const)[
    quantity.kind
  ];
  if (typeof data === "number" && Number.isFinite(data)) {
    return { code, message: `must have a unit, found ${data}: write ${withUnits(quantity, data)}` };
  }
  if (typeof data !== "string") {
    return { code, message: `must be ${EXAMPLES[quantity.kind]}, found ${shown(data)}` };
  }
  const message = quantityProblem(quantity, data) ?? "";
  return { code: digits.test(data) ? "numeric-string" : code, message };
}

function withUnits({ kind }: Quantities, data: number): string {
  if (kind === "size") return `${data}B or ${data}MiB`;
  if (kind === "rate") return `${data}/s or ${data}/m`;
  return data < 1_000 ? `${data}s or ${data * 1_000}ms` : `${data}ms or ${data}s`;
}

function typeFinding(
  error: ErrorObject,
  expected: string,
  position: Position | undefined,
): { readonly code: ErrorCode; readonly message: string } {
  const { data, params } = error;
  const wanted = [params.type].flat();
  const message = `must be ${expected}, found ${shown(data)}`;
  if (!wanted.includes("integer") && !wanted.includes("number")) {
    return { code: "wrong-type", message };
  }
  if (typeof data === "string") {
    if (position?.plain && almostNumber.test(data)) return { code: "bad-number", message };
    if (digits.test(data)) return { code: "numeric-string", message };
  }
  const isOdd = typeof data === "number" && !digits.test(position?.source ?? "");
  return isOdd
    ? { code: "bad-number", message: `must be ${expected}, found ${position?.source ?? data}` }
    : { code: "wrong-type", message };
}

/** What the schema expects, in its own words or by its types. */
function expectation(errors: readonly ErrorObject[]): string {
  for (const { parentSchema } of errors) {
    const words = parentSchema?.["x-expects"];
    if (typeof words === "string") return words;
  }
  const schema = errors[0]?.parentSchema ?? {};
  if (Array.isArray(schema.enum)) return listed(schema.enum);
  return listed([schema.type].flat().map((type) => typeWords[type] ?? String(type)));
}

function limit({ keyword, parentSchema: schema = {} }: ErrorObject, expected: string): string {
  switch (keyword) {
    case "const":
      return `must be ${JSON.stringify(schema.const)}`;
    case "minimum":
    case "maximum":
      if (schema.maximum === undefined) return `must be at least ${schema.minimum}`;
      return `must be ${schema.minimum} to ${schema.maximum}`;
    case "maxItems":
      return `must have at most ${schema.maxItems} entries`;
    default:
      return `must be ${expected}`;
  }
}

/** A value in a message: short, on one line. */
export function shown(value: unknown): string {
  if (value === null || value === undefined) return "nothing";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "a map";
  const text = JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
}

/** `ttl`, or `retry[1]` for an entry of a list. */
export function labelOf(pointer: string): string {
  const parts = split(pointer);
  const names = parts.findLastIndex((part) => !/^\d+$/.test(part));
  const indexes = parts.slice(names + 1).map((index) => `[${index}]`);
  return parts.length === 0 ? "the file" : `${parts[names] ?? ""}${indexes.join("")}`;
}

/** `a, b or c`. */
export function listed(words: readonly unknown[]): string {
  const last = words.at(-1);
  return words.length < 2 ? String(last) : `${words.slice(0, -1).join(", ")} or ${last}`;
}
