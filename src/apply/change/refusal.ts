/** A broker's refusal in words that name the permission. */
import { type ErrorCode, WarrenError } from "../../errors.ts";
import type { PlanEntry } from "../planned.ts";
import { ACCESS_REFUSED } from "../reply-codes.ts";
import type { Refusal } from "./channels.ts";
import { type ApplyEntry, type Result, resultOf } from "./results.ts";

/** `queue billing` → the permissions that the operation needs there. */
export type Needs = Readonly<Record<string, string>>;

/** An entry that the broker refused. */
export function refusedResult(entry: PlanEntry, refusal: Refusal, needs: Needs = {}): ApplyEntry {
  return resultOf(entry, "refused", describeRefusal(refusal, needs));
}

/** `403 configure access to queue 'billing' …`: brokers before 4.3 do not say which access. */
export function describeRefusal({ code, text }: Refusal, needs: Needs): string {
  const object =
    code === ACCESS_REFUSED ? /^access to (queue|exchange) '(.*?)' in/.exec(text) : null;
  const permission = object && needs[`${object[1]} ${object[2]}`];
  return permission ? `${code} ${permission} ${text}` : `${code} ${text}`;
}

/** A change over the management API; what that refuses or can't do is the entry's result. */
export async function overManagement(
  entry: PlanEntry,
  done: Result,
  call: () => Promise<unknown>,
): Promise<ApplyEntry> {
  try {
    await call();
    return resultOf(entry, done);
  } catch (error) {
    if (!(error instanceof WarrenError) || !REFUSALS.has(error.code)) throw error;
    return resultOf(entry, "refused", error.message);
  }
}

const REFUSALS: ReadonlySet<ErrorCode> = new Set(["management-refused", "broker-refused"]);
