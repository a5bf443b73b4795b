import type { Policy, Queue } from "../../topology.ts";
import { readPattern } from "../pattern.ts";
import { excludingKey, policyKinds } from "../policy-keys.ts";

/** The policies of a file, each with what it is laid over. */
export class MatchedPolicies {
  readonly #policies: readonly {
    readonly policy: Policy;
    /** null: the broker alone can tell. */
    readonly matches: ((name: string) => boolean) | null;
  }[];

  constructor(policies: Readonly<Record<string, Policy>>) {
    this.#policies = Object.values(policies).map((policy) => {
      const pattern = readPattern(policy.pattern);
      return { policy, matches: pattern.ok ? pattern.matches : null };
    });
  }

  /** Those that apply to an exchange of this name; the one in force first. */
  ofExchange(name: string): readonly Policy[] {
    return this.#inOrder(({ applyTo }) => policyKinds[applyTo].includes("exchange"), name);
  }

  /** Those that apply to a queue; the one in force first. */
  ofQueue({ name, type }: Pick<Queue, "name" | "type">): readonly Policy[] {
    const isApplied = ({ applyTo, definition }: Policy) =>
      policyKinds[applyTo].includes(type) && excludingKey(Object.keys(definition), type) === null;
    return this.#inOrder(isApplied, name);
  }

  /** Those that would apply to a queue, were there not a setting that its type can't have. */
  keptOff({ name, type }: Pick<Queue, "name" | "type">): readonly {
    readonly policy: Policy;
    readonly key: string;
  }[] {
    return this.#inOrder(({ applyTo }) => policyKinds[applyTo].includes(type), name).flatMap(
      (policy) => {
        const key = excludingKey(Object.keys(policy.definition), type);
        return key === null ? [] : [{ policy, key }];
      },
    );
  }

  #inOrder(isFor: (policy: Policy) => boolean, name: string): readonly Policy[] {
    return this.#policies
      .filter(({ policy, matches }) => isFor(policy) && matches?.(name) === true)
      .map(({ policy }) => policy)
      .sort((a, b) => b.priority - a.priority);
  }
}
