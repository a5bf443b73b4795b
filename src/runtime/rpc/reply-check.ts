/** What a handler returns, as the reply that it is. */
import { messageOf } from "../../errors.ts";
import { compileCheck } from "../../events/check.ts";
import { decodeJson } from "../../events/json.ts";
import type { Violation } from "../../events/reader.ts";
import { NUMBERS } from "../../numbers.ts";
import type { ReplySchema } from "../../topology.ts";
import type { Outcome } from "../host/host.ts";
import { oneLine } from "../host/thread/cause.ts";

/** handled with the reply; a value that is none is the handler's mistake. */
export type ReplyCheck = (value: unknown) => Outcome;

/** @param schema undefined: any JSON. */
export function createReplyCheck(schema: ReplySchema | undefined): ReplyCheck {
  return (value) => {
    const text = toJson(value);
    if (!text.ok) return mistake(text.message);
    const bytes = Buffer.from(text.json);
    if (bytes.length > NUMBERS.maxBodyBytes) {
      return mistake(`is ${bytes.length} bytes, at most ${NUMBERS.maxBodyBytes} are taken`);
    }
    // What is checked is what travels: a date is a text by then.
    const decoded = decodeJson(bytes);
    if (!decoded.ok) return mistake(decoded.message);
    const violations = schema === undefined ? [] : compileCheck(schema).violations(decoded.value);
    const [first] = violations;
    if (first) return mistake(`${first.pointer || "the whole"} ${first.message}`, violations);
    return { status: "handled", reply: text.json };
  };
}

type Text =
  | { readonly ok: true; readonly json: string }
  | { readonly ok: false; readonly message: string };

function toJson(value: unknown): Text {
  try {
    const json = JSON.stringify(value ?? null);
    if (json !== undefined) return { ok: true, json };
    return { ok: false, message: `JSON has no ${typeof value}` };
  } catch (error) {
    return { ok: false, message: `can't be sent: ${messageOf(error)}` };
  }
}

function mistake(what: string, violations: readonly Violation[] = []): Outcome {
  const error = oneLine(`the reply is invalid: ${what}`);
  const cause = { reason: "handler-failed", error } as const;
  return {
    status: "failed",
    cause: violations.length === 0 ? cause : { ...cause, violations },
  };
}
