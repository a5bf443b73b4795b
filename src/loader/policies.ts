import type { Arguments, ArgumentValue, Policy, PolicyTarget } from "../topology.ts";
import { checkValue } from "./arguments.ts";
import type { PolicyBlock, TopologyFile } from "./file.ts";
import { listed } from "./finding.ts";
import { knownArguments } from "./known-arguments.ts";
import { checkName } from "./names.ts";
import { readPattern } from "./pattern.ts";
import { join } from "./pointer.ts";
import { affectedKinds, type PolicyKind, policyKeys, policyKinds } from "./policy-keys.ts";
import type { Report } from "./report.ts";
import { didYouMean } from "./suggest.ts";

const KIND_WORDS: Readonly<Record<PolicyKind, string>> = {
  exchange: "exchanges",
  classic: "classic queues",
  quorum: "quorum queues",
  stream: "streams",
};

/** The policies whose pattern is there; what is wrong with a block is reported. */
export function resolvePolicies(
  file: TopologyFile,
  report: Report,
): Readonly<Record<string, Policy>> {
  const policies: Record<string, Policy> = Object.create(null);
  for (const [name, block] of Object.entries(file.policies ?? {})) {
    const pointer = join("/policies", name);
    // Only the names of exchanges and queues are the broker's own.
    checkName(name, true, { pointer, on: "key" }, report);
    if (block?.pattern === undefined) continue;
    const applyTo = block.applyTo ?? "all";
    const pattern = readPattern(block.pattern);
    if (!pattern.ok) {
      report.value("bad-pattern", join(pointer, "pattern"), `the pattern ${pattern.problem}`);
    }
    policies[name] = {
      name,
      pattern: block.pattern,
      applyTo,
      priority: block.priority ?? 0,
      definition: definitionOf(block, applyTo, join(pointer, "definition"), report),
      at: report.placeOf(pointer, "key"),
    };
  }
  return policies;
}

function definitionOf(
  block: PolicyBlock,
  applyTo: PolicyTarget,
  pointer: string,
  report: Report,
): Arguments {
  const result: Record<string, ArgumentValue> = Object.create(null);
  for (const [key, value] of Object.entries(block.definition ?? {})) {
    const at = join(pointer, key);
    const rule = policyKeys.get(key);
    if (rule === undefined) reportUnknown(key, at, report);
    else if (!rule.readers.some((kind) => policyKinds[applyTo].includes(kind))) {
      const message = `${key} is for ${wordsOf(rule.readers)}, and this policy is for ${applyTo}`;
      report.key("policy-of-other-type", at, message);
    } else if (value !== undefined && checkValue(key, value, rule, at, report)) {
      result[key] = value;
    }
  }
  const keys = Object.keys(result);
  if (!report.isBroken(pointer) && affectedKinds(keys, applyTo).length === 0) {
    const message = `no queue takes a policy with all of ${keys.join(", ")}: a type that can't have one of them has none of them`;
    report.key("policy-of-other-type", pointer, message);
  }
  return result;
}

function reportUnknown(key: string, pointer: string, report: Report): void {
  const bare = key.replace(/^x-/, "");
  if (bare.startsWith("ha-")) {
    const message = `${key} mirrors classic queues, which no RabbitMQ does since 4.0`;
    report.key("ha-policy", pointer, message);
  } else if (bare !== key && policyKeys.has(bare)) {
    const message = `a policy has no x-: write ${JSON.stringify(bare)}`;
    report.key("unknown-policy-key", pointer, message);
  } else if (knownArguments.has(`x-${bare}`)) {
    const message = `${bare} is an argument that no policy can set`;
    report.key("unknown-policy-key", pointer, message);
  } else {
    const hint = didYouMean(bare, policyKeys.keys());
    const message = `RabbitMQ knows no policy setting ${JSON.stringify(key)}${hint}`;
    report.key("unknown-policy-key", pointer, message);
  }
}

function wordsOf(kinds: readonly PolicyKind[]): string {
  return listed(kinds.map((kind) => KIND_WORDS[kind]));
}
