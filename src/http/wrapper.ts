/** A message in a wrapper that says where it goes, and how. */
import type { Check } from "../events/check.ts";
import { decodeJson, type JsonLimits, MESSAGE_LIMITS } from "../events/json.ts";
import { compileProperties } from "../runtime/publish/properties.ts";
import { memberBytes } from "./member.ts";
import { malformed } from "./options.ts";
import { Refusal } from "./problem.ts";

export type Target = { readonly exchange: string; readonly routing_key?: string };

/** What is in it has the limits of a message; these leave room for what stands around that. */
const WRAPPER_LIMITS: JsonLimits = {
  depth: MESSAGE_LIMITS.depth + 1,
  values: MESSAGE_LIMITS.values + 1_000,
};

/** @param options the schema of each. */
export function wrapperCheck(options: object): Check {
  return compileProperties({
    type: "object",
    required: ["exchange", "message"],
    properties: { exchange: { rule: "shortString" }, message: true, ...options },
    additionalProperties: false,
  });
}

/**
 * What stands around the message, and the message as its bytes stand there.
 *
 * @throws {Refusal} `malformed` with every violation.
 */
export function readWrapper<W extends Target>(
  body: Buffer,
  check: Check,
): { readonly wrapper: W; readonly message: Buffer } {
  const decoded = decodeJson(body, WRAPPER_LIMITS);
  if (!decoded.ok) throw new Refusal("malformed", decoded.message);
  const violations = check(decoded.value);
  if (violations.length > 0) throw malformed(violations);
  const message = memberBytes(body, "message") ?? Buffer.alloc(0);
  return { wrapper: decoded.value as W, message };
}
