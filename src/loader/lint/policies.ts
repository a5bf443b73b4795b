import type { Policy } from "../../topology.ts";
import { readPattern } from "../pattern.ts";
import { join } from "../pointer.ts";
import { policyKinds } from "../policy-keys.ts";
import { didYouMean } from "../suggest.ts";
import { type Subject, soundQueues } from "./subject.ts";

/** What would empty or delete the queues in which retries wait and the state is kept. */
const HARMFUL = ["message-ttl", "expires", "max-length", "max-length-bytes"];

/** Finds policies of which nobody can say what they do, or that do it elsewhere than they seem to. */
export function lintPolicies(subject: Subject): void {
  const { topology, matched } = subject;
  for (const { name } of Object.values(topology.exchanges)) {
    const policies = matched.ofExchange(name);
    lintTie(subject, `exchange ${JSON.stringify(name)}`, policies);
    for (const policy of policies) checkExchange(subject, policy, "alternate-exchange", name);
  }
  for (const queue of soundQueues(subject)) {
    const shown = `queue ${JSON.stringify(queue.name)}`;
    const policies = matched.ofQueue(queue);
    lintTie(subject, shown, policies);
    for (const policy of policies) {
      checkExchange(subject, policy, "dead-letter-exchange", queue.name);
    }
    // Of an external queue the type is not known for certain.
    for (const { policy, key } of queue.external ? [] : matched.keptOff(queue)) {
      const message = `policy ${JSON.stringify(policy.name)} does nothing to ${shown}: it is ${queue.type}, and ${key} keeps the whole policy off it`;
      subject.warnings.add("policy-not-applied", ownerOf(policy), policy.at, message);
    }
  }
  for (const policy of Object.values(topology.policies)) lintOwn(subject, policy);
}

function lintTie(subject: Subject, shown: string, policies: readonly Policy[]): void {
  const [first, second] = policies;
  if (first === undefined || second === undefined || first.priority !== second.priority) return;
  const message = `${shown} matches policy ${JSON.stringify(first.name)} as well, with the same priority: which of them applies is arbitrary`;
  subject.warnings.add("policy-tie", ownerOf(second), second.at, message);
}

/** A policy may be for objects of others, whose exchanges the file does not know. */
function checkExchange(
  { file, report }: Subject,
  policy: Policy,
  key: "alternate-exchange" | "dead-letter-exchange",
  object: string,
): void {
  const exchange = policy.definition[key];
  const names = Object.keys(file.exchanges ?? {});
  if (typeof exchange !== "string" || exchange === "" || names.includes(exchange)) return;
  const code = key === "alternate-exchange" ? "unknown-exchange" : "dead-letter-lost";
  const message = `${key} ${JSON.stringify(exchange)} of ${JSON.stringify(object)} is not declared`;
  const pointer = join("/policies", policy.name, "definition", key);
  report.value(code, pointer, `${message}${didYouMean(exchange, names)}`);
}

function lintOwn({ topology, warnings }: Subject, policy: Policy): void {
  const keys = HARMFUL.filter((key) => policy.definition[key] !== undefined);
  const kinds = policyKinds[policy.applyTo];
  const pattern = readPattern(policy.pattern);
  const matches = pattern.ok ? pattern.matches : null;
  const prefix = `warren.${topology.project}.`;
  const names = [
    ...(kinds.includes("quorum") ? [`${prefix}retry.1s`] : []),
    ...(kinds.includes("classic") ? [`${prefix}state`] : []),
  ];
  const found = names.find((name) => matches?.(name) === true);
  if (keys.length === 0 || found === undefined) return;
  const message = `the pattern matches queues such as ${found}, in which warren keeps retries and its state: ${keys.join(", ")} would lose them`;
  warnings.add("policy-on-warren", ownerOf(policy), policy.at, message);
}

function ownerOf({ name }: Policy): { readonly kind: "policies"; readonly name: string } {
  return { kind: "policies", name };
}
