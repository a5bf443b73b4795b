/** What a caller may set on a message: one schema for HTTP and handlers, checked before amqplib. */
import { Ajv, type AnySchemaObject } from "ajv";
import { type Check, createCheck } from "../../events/check.ts";
import { countWork, withWork } from "../../events/work.ts";
import { NUMBERS } from "../../numbers.ts";

const { maxNameBytes, maxHeaders, maxHeaderKeyBytes, maxHeaderBytes, maxTtlMs } = NUMBERS;

/** The properties of a message by their names in HTTP, as JSON Schemas with our own `rule`. */
export const propertySchemas = {
  routing_key: { rule: "shortString" },
  message_id: { rule: "id" },
  correlation_id: { rule: "shortString" },
  priority: { type: "integer", minimum: 0, maximum: 255 },
  /** Milliseconds. */
  expiration: { type: "integer", minimum: 0, maximum: maxTtlMs },
  /** 1: lost when the broker restarts; 2: kept. */
  delivery_mode: { enum: [1, 2] },
  headers: {
    type: "object",
    maxProperties: maxHeaders,
    propertyNames: { rule: "headerName" },
    additionalProperties: { rule: "headerValue" },
  },
} as const;

type Rule = { readonly text: string; readonly holds: (value: unknown) => boolean };

const rules: Readonly<Record<string, Rule>> = {
  shortString: {
    text: `must be a string of at most ${maxNameBytes} bytes of Unicode without control characters`,
    holds: (value) => isPlainText(value, maxNameBytes),
  },
  id: {
    text: `must be a string of 1 to ${maxNameBytes} bytes of Unicode without control characters`,
    holds: (value) => value !== "" && isPlainText(value, maxNameBytes),
  },
  headerName: {
    text:
      `must be 1 to ${maxHeaderKeyBytes} bytes without control characters, not begin with x-, ` +
      "and be none of CC, BCC, __proto__, constructor, prototype",
    holds: (value) =>
      isPlainText(value, maxHeaderKeyBytes) &&
      !/^(|x-.*|cc|bcc|__proto__|constructor|prototype)$/i.test(value),
  },
  headerValue: {
    text:
      `must be a boolean, a number within 2^53, ` +
      `or a string of at most ${maxHeaderBytes} bytes of Unicode without control characters`,
    holds: (value) =>
      typeof value === "boolean" || isNumber(value) || isPlainText(value, maxHeaderBytes),
  },
};

/** Compiles a schema of warren's own, which may use `rule`. */
export function compileProperties(schema: AnySchemaObject): Check {
  return createCheck((options, work) => {
    const own = { meta: false, validateSchema: false } as const;
    const ajv = new Ajv({ strict: true, ownProperties: true, ...own, ...options });
    ajv.addKeyword({
      keyword: "rule",
      schemaType: "string",
      compile: (name: string) => rules[name]?.holds ?? (() => false),
      error: { message: ({ schema: name }) => rules[name]?.text ?? "" },
    });
    countWork(ajv, work);
    return ajv.compile(withWork(schema) as AnySchemaObject);
  });
}

function isPlainText(value: unknown, maxBytes: number): value is string {
  return (
    typeof value === "string" &&
    Buffer.byteLength(value) <= maxBytes &&
    value.isWellFormed() &&
    !/\p{Cc}/u.test(value)
  );
}

/** amqplib writes a fraction from 2^50 on as a 64-bit integer, and fails. */
function isNumber(value: unknown): boolean {
  if (typeof value !== "number") return false;
  return Number.isSafeInteger(value) || Math.abs(value) < 2 ** 50;
}
