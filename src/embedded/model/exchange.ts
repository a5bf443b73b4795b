/** An exchange, and which of its bindings take a message. */
import { matchesTopic } from "../../routing/topic.ts";
import { AmqpError } from "../protocol/errors.ts";
import { type Field, lookup, type Table, textOf, writeTable } from "../protocol/fields.ts";
import { assertSame, assertSameArguments } from "./equivalence.ts";
import type { Message } from "./message.ts";
import { formatField } from "./terms.ts";

export const EXCHANGE_TYPES = ["direct", "fanout", "headers", "topic"] as const;
export type ExchangeType = (typeof EXCHANGE_TYPES)[number];

export type ExchangeOptions = {
  readonly type: ExchangeType;
  readonly durable: boolean;
  readonly autoDelete: boolean;
  readonly internal: boolean;
  readonly arguments: Table;
};

export type Binding = {
  readonly source: string;
  readonly destination: string;
  readonly destinationKind: "queue" | "exchange";
  readonly key: string;
  readonly arguments: Table;
};

export class Exchange {
  readonly name: string;
  readonly options: ExchangeOptions;
  readonly alternate: string | undefined;
  /** By what tells them apart. */
  readonly #bindings = new Map<string, Binding>();
  /** Of those of a direct exchange, and of the others all under one key. */
  readonly #index = new Map<string, Binding[]>();

  constructor(name: string, options: ExchangeOptions) {
    this.name = name;
    this.options = options;
    this.alternate = textOf(lookup(options.arguments, "alternate-exchange"));
  }

  get bindings(): readonly Binding[] {
    return [...this.#bindings.values()];
  }

  get isSource(): boolean {
    return this.#bindings.size > 0;
  }

  /** @returns false if it was there. */
  bind(binding: Binding): boolean {
    const id = idOf(binding);
    if (this.#bindings.has(id)) return false;
    this.#bindings.set(id, binding);
    const list = this.#index.get(this.#indexKey(binding.key));
    if (list) list.push(binding);
    else this.#index.set(this.#indexKey(binding.key), [binding]);
    return true;
  }

  /** @returns false if there was none. */
  unbind(binding: Binding): boolean {
    const id = idOf(binding);
    const known = this.#bindings.get(id);
    if (!known) return false;
    this.#bindings.delete(id);
    const key = this.#indexKey(binding.key);
    const left = (this.#index.get(key) ?? []).filter((one) => one !== known);
    if (left.length === 0) this.#index.delete(key);
    else this.#index.set(key, left);
    return true;
  }

  /** Those that take the message; the same destination may be there more than once. */
  matching(message: Message): readonly Binding[] {
    const { type } = this.options;
    const all = this.#index.get("") ?? [];
    if (type === "direct") {
      if (message.routingKeys.length === 1) return this.#index.get(message.routingKey) ?? [];
      return message.routingKeys.flatMap((key) => this.#index.get(key) ?? []);
    }
    if (type === "fanout") return all;
    if (type === "headers") return all.filter((one) => matchesHeaders(one, message.routingHeaders));
    return all.filter(({ key }) => message.routingKeys.some((one) => matchesTopic(key, one)));
  }

  /** @param vhost for the text. @throws {AmqpError} 406 for what differs. */
  assertSame(
    vhost: string,
    { type, durable, autoDelete, internal, arguments: args }: ExchangeOptions,
  ): void {
    const what = `exchange '${this.name}' in vhost '${vhost}'`;
    assertSame(what, "type", this.options.type, type);
    assertSame(what, "durable", this.options.durable, durable);
    assertSame(what, "auto_delete", this.options.autoDelete, autoDelete);
    assertSame(what, "internal", this.options.internal, internal);
    assertSameArguments(what, ["alternate-exchange"], this.options.arguments, args);
  }

  #indexKey(key: string): string {
    return this.options.type === "direct" ? key : "";
  }
}

/** @throws {AmqpError} 406 for a type that is unknown here. */
export function checkType(type: string): ExchangeType {
  const known = EXCHANGE_TYPES.find((one) => one === type);
  if (known) return known;
  const problem = type === "" ? "invalid" : "unknown";
  throw new AmqpError("precondition-failed", `${problem} exchange type '${type}'`);
}

/** @throws {AmqpError} 406 for an `x-match` that is none. */
export function checkBinding({ options }: Exchange, args: Table): void {
  const match = options.type === "headers" ? lookup(args, "x-match") : undefined;
  if (!match) return;
  const shown = formatField(match);
  if (match.type !== "longstr") {
    const text = `Invalid x-match field type ${match.type} (value ${shown}); expected longstr`;
    throw new AmqpError("precondition-failed", text);
  }
  if (/^(all|any)(-with-x)?$/.test(match.value.toString())) return;
  const text = `Invalid x-match field value ${shown}; expected all, any, all-with-x, or any-with-x`;
  throw new AmqpError("precondition-failed", text);
}

/** Source, destination, key and arguments with their types; the order of these does not count. */
function idOf({ destination, destinationKind, key, arguments: args }: Binding): string {
  const sorted = [...args].sort(([a], [b]) => (a < b ? -1 : Number(a > b)));
  return JSON.stringify([destinationKind, destination, key, writeTable(sorted).toString("latin1")]);
}

function matchesHeaders({ arguments: args }: Binding, headers: Table): boolean {
  const match = textOf(lookup(args, "x-match")) ?? "all";
  const withX = match.endsWith("-with-x");
  const wanted = args.filter(([name]) => name !== "x-match" && (withX || !name.startsWith("x-")));
  const isThere = ([name, field]: Table[number]) => {
    const header = lookup(headers, name);
    return header !== undefined && isSameValue(field, header);
  };
  return match.startsWith("any") ? wanted.some(isThere) : wanted.every(isThere);
}

/**
 * Types do not count, so that 1 is 1 in every width, but whole numbers are none with a fraction, and
 * text is neither a table nor an array; these two are the same if they are empty. A void stands for
 * any value. A header's time is compared in milliseconds, as RabbitMQ has it.
 */
function isSameValue(wanted: Field, header: Field): boolean {
  if (wanted.type === "void") return true;
  if (Buffer.isBuffer(wanted.value)) {
    if (!Buffer.isBuffer(header.value) || !wanted.value.equals(header.value)) return false;
    const isEmpty = wanted.value.length === 0 && isNested(wanted) && isNested(header);
    return isEmpty || kindOf(wanted) === kindOf(header);
  }
  if (isFraction(wanted) !== isFraction(header)) return false;
  const value = header.type === "timestamp" ? Number(header.value) * 1_000 : header.value;
  return wanted.value === value;
}

function isNested({ type }: Field): boolean {
  return type === "table" || type === "array";
}

function kindOf({ type }: Field): string {
  return type === "binary" ? "longstr" : type;
}

function isFraction({ type }: Field): boolean {
  return type === "float" || type === "double";
}
