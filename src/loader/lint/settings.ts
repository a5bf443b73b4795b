import type { Place } from "../../errors.ts";
import { type ArgumentValue, deadLetterRoute, type Policy, type Queue } from "../../topology.ts";
import type { Letter } from "../dead-letter-targets.ts";
import type { TopologyFile } from "../file.ts";
import { knownArguments } from "../known-arguments.ts";
import { join } from "../pointer.ts";
import type { Report } from "../report.ts";
import type { MatchedPolicies } from "./matched.ts";

type Said = { readonly at: Place; readonly isWritten: boolean };

/** A setting that is in force at a queue. Where it stands is looked up once somebody asks. */
export class Setting<T extends ArgumentValue = ArgumentValue> {
  readonly value: T;
  readonly #say: () => Said;

  constructor(value: T, say: () => Said) {
    this.value = value;
    this.#say = say;
  }

  /** Where the file says it, or the queue if warren adds it. */
  get at(): Place {
    return this.#say().at;
  }

  get isWritten(): boolean {
    return this.#say().isWritten;
  }
}

/** Of an argument and a policy, the smaller number counts. */
const SMALLER = ["message-ttl", "expires", "max-length", "max-length-bytes", "delivery-limit"];

/** What is in force at each queue: its arguments, and the policy that is laid over it. */
export class Settings {
  readonly #file: TopologyFile;
  readonly #matched: MatchedPolicies;
  readonly #report: Report;
  /** The one in force, by queue. */
  readonly #policies = new Map<string, Policy | null>();

  constructor(file: TopologyFile, matched: MatchedPolicies, report: Report) {
    this.#file = file;
    this.#matched = matched;
    this.#report = report;
  }

  /** @param name as policies write it: `message-ttl`. */
  of(queue: Queue, name: string): Setting | null {
    const own = queue.arguments[`x-${name}`];
    const policy = this.#policyOf(queue);
    const laid = policy?.definition[name];
    if (policy !== null && laid !== undefined && !isOwnInForce(queue, name, own, laid)) {
      const pointer = join("/policies", policy.name, "definition", name);
      return new Setting(laid, () => {
        return { at: this.#report.placeOf(pointer, "key"), isWritten: true };
      });
    }
    return own === undefined ? null : new Setting(own, () => this.#sayOf(queue, name));
  }

  /** A whole number that is in force. */
  numberOf(queue: Queue, name: string): Setting<number> | null {
    const setting = this.of(queue, name);
    if (setting === null || typeof setting.value !== "number") return null;
    return new Setting(setting.value, () => setting);
  }

  /** Where the dead letters of a queue go. */
  letterOf(queue: Queue): Letter | null {
    const exchange = this.of(queue, "dead-letter-exchange")?.value;
    if (typeof exchange !== "string") return deadLetterRoute(queue);
    const key = this.of(queue, "dead-letter-routing-key")?.value;
    return { exchange, key: typeof key === "string" ? key : null };
  }

  #policyOf(queue: Queue): Policy | null {
    let policy = this.#policies.get(queue.name);
    if (policy === undefined) {
      policy = this.#matched.ofQueue(queue)[0] ?? null;
      this.#policies.set(queue.name, policy);
    }
    return policy;
  }

  #sayOf(queue: Queue, name: string): Said {
    const block: unknown = this.#file.queues?.[queue.name];
    const argument = `x-${name}`;
    const paths = [["arguments", argument], knownArguments.get(argument)?.key?.split(".") ?? []];
    const path = paths.find((it) => it.length > 0 && isAt(block, it));
    if (path === undefined) return { at: queue.at, isWritten: false };
    const pointer = join("/queues", queue.name, ...path);
    return { at: this.#report.placeOf(pointer, "value"), isWritten: true };
  }
}

function isAt(value: unknown, [key, ...rest]: readonly string[]): boolean {
  if (key === undefined) return value !== undefined;
  return typeof value === "object" && value !== null && isAt(Reflect.get(value, key), rest);
}

function isOwnInForce(
  { type }: Queue,
  name: string,
  own: ArgumentValue | undefined,
  laid: ArgumentValue,
): boolean {
  if (own === undefined) return false;
  if (SMALLER.includes(name)) return Number(own) <= Number(laid);
  // A quorum queue takes the word of its policy for this alone.
  return !(name === "overflow" && type === "quorum");
}

/**
 * What is in force of an argument and the policy that is laid over the queue (null: none).
 *
 * @param name as policies write it: `message-ttl`.
 */
export function valueInForce(
  queue: Queue,
  policy: Policy | null,
  name: string,
): ArgumentValue | undefined {
  const own = queue.arguments[`x-${name}`];
  const laid = policy?.definition[name];
  return laid === undefined || isOwnInForce(queue, name, own, laid) ? own : laid;
}
