/** Which policy a broker lays over an object: of those that match it, the one of the highest priority. */
import type { QueueType } from "../../topology.ts";
import type { LivePolicy } from "../live.ts";
import type { DesiredPolicy } from "../objects.ts";
import type { Scene } from "./scene.ts";

export type AnyPolicy = Pick<
  DesiredPolicy | LivePolicy,
  "name" | "pattern" | "applyTo" | "priority" | "definition"
>;

export type PolicyObject =
  | { readonly kind: "exchange"; readonly name: string }
  | { readonly kind: "queue"; readonly name: string; readonly type: QueueType };

/** As they will be: the file's, and those of others on the broker. */
export function policiesOf({ desired, live, ours }: Scene): readonly AnyPolicy[] {
  const named = new Set(desired.policies.map(({ name }) => name));
  const others = live.policies?.filter(({ name }) => !named.has(name) && !ours.policies.has(name));
  return [...desired.policies, ...(others ?? [])];
}

/** The one in force, as far as it can be known; undefined: none. */
export function policyOf(scene: Scene, object: PolicyObject): AnyPolicy | undefined {
  return policiesOf(scene)
    .filter((policy) => isMatch(policy, object))
    .sort((a, b) => b.priority - a.priority)[0];
}

/** The broker's expressions are Perl's: one that JavaScript can't read matches nothing here. */
export function isMatch({ pattern, applyTo }: AnyPolicy, object: PolicyObject): boolean {
  if (!isTarget(applyTo, object)) return false;
  try {
    return new RegExp(pattern).test(object.name);
  } catch {
    return false;
  }
}

function isTarget(applyTo: AnyPolicy["applyTo"], object: PolicyObject): boolean {
  switch (applyTo) {
    case "all":
      return true;
    case "exchanges":
    case "queues":
      return applyTo === `${object.kind}s`;
    case "streams":
      return object.kind === "queue" && object.type === "stream";
    default:
      return object.kind === "queue" && applyTo === `${object.type}_queues`;
  }
}
