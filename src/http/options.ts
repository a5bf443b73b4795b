/** What a caller says besides the message: in the query, in headers, or around the message. */
import type { Request } from "express";
import type { Violation } from "../events/reader.ts";
import { traceContext } from "../runtime/publish/inherited.ts";
import { compileProperties, propertySchemas } from "../runtime/publish/properties.ts";
import type { PublishRequest } from "../runtime/publish/publish.ts";
import { Refusal } from "./problem.ts";

/** The properties of a message by their names in HTTP. */
export type Options = {
  readonly message_id?: string;
  readonly correlation_id?: string;
  readonly priority?: number;
  readonly expiration?: number;
  readonly delivery_mode?: 1 | 2;
  readonly headers?: Readonly<Record<string, unknown>>;
};

type Properties = Omit<PublishRequest, "exchange" | "routingKey" | "body" | "contentType">;

/**
 * Options as properties of the message; `Idempotency-Key` is the id where no other is given.
 *
 * @throws {Refusal} `malformed` if the two ids differ.
 */
export function toProperties(request: Request, options: Options): Properties {
  const { message_id, correlation_id, priority, expiration, delivery_mode, headers } = options;
  const key = idempotencyKey(request);
  if (key !== null && message_id !== undefined && key !== message_id) {
    throw malformed([{ pointer: "/message_id", message: "must be the same as Idempotency-Key" }]);
  }
  return {
    messageId: message_id ?? key,
    ...(key === null ? {} : { isKeyed: true }),
    ...(correlation_id === undefined ? {} : { correlationId: correlation_id }),
    ...(priority === undefined ? {} : { priority }),
    ...(expiration === undefined ? {} : { expirationMs: expiration }),
    ...(delivery_mode === undefined ? {} : { persistent: delivery_mode === 2 }),
    ...(headers === undefined ? {} : { headers }),
    inherited: { headers: traceContext(request.headers) },
  };
}

function idempotencyKey({ headersDistinct }: Request): string | null {
  const [key, ...others] = headersDistinct["idempotency-key"] ?? [];
  if (key === undefined) return null;
  if (others.length > 0 || !/^[\x20-\x7e]{1,255}$/.test(key)) {
    throw new Refusal("malformed", "Idempotency-Key has to be 1 to 255 characters of ASCII, once");
  }
  return key;
}

const { routing_key: _, ...schemas } = propertySchemas;
const checkOptions = compileProperties({
  type: "object",
  properties: schemas,
  additionalProperties: false,
});

/**
 * The options of a publish whose body is the message alone: from its query, and from the `ce-`
 * headers of a CloudEvent in binary mode.
 *
 * @throws {Refusal} `malformed` with every violation.
 */
export function readOptions(request: Request): Options {
  const headers = cloudEventHeaders(request);
  const options = { ...readQuery(request), ...(headers === null ? {} : { headers }) };
  const violations = checkOptions(options);
  if (violations.length > 0) throw malformed(violations);
  return options;
}

const NUMERIC = new Set(["priority", "expiration", "delivery_mode"]);

/** By hand: parsers of queries replace what they can't decode, and hide what is there twice. */
function readQuery({ url }: Request): Options {
  const query = url.includes("?") ? url.slice(url.indexOf("?") + 1) : "";
  const options: Record<string, unknown> = Object.create(null);
  for (const part of query.split("&").filter(Boolean)) {
    const [name = "", ...rest] = part.split("=");
    const key = decode(name);
    const value = decode(rest.join("="));
    if (key === "headers") throw new Refusal("malformed", "headers are not taken in a query");
    if (Object.hasOwn(options, key)) {
      throw malformed([{ pointer: `/${key}`, message: "must be given once" }]);
    }
    options[key] = NUMERIC.has(key) && /^\d{1,15}$/.test(value) ? Number(value) : value;
  }
  return options;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    throw new Refusal("malformed", "the query is not percent-encoded UTF-8");
  }
}

/**
 * `ce-type: …` becomes the AMQP header `cloudEvents_type`; the values are percent-encoded.
 *
 * @returns null if the request is not a CloudEvent in binary mode.
 * @see https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md
 */
function cloudEventHeaders({ headers }: Request): Record<string, string> | null {
  if (headers["ce-specversion"] === undefined) return null;
  const attributes = Object.entries(headers).filter(([name]) => name.startsWith("ce-"));
  return Object.fromEntries(
    attributes.map(([name, value]) => [`cloudEvents_${name.slice(3)}`, decode(String(value))]),
  );
}

/** A refusal that names every violation; the first one is in its text, too. */
export function malformed(violations: readonly Violation[]): Refusal {
  const [first] = violations;
  const text = `${first?.pointer || "the request"} ${first?.message}`;
  return new Refusal("malformed", text, { violations });
}
