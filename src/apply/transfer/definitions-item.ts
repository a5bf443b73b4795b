import { type Place, quoted, type WarrenError } from "../../errors.ts";
import type { Arguments, ArgumentValue } from "../../topology.ts";
import type { JsonNode, JsonReader } from "./json-reader.ts";

/** An object of definitions, read member by member; every method throws `bad-definitions` with its place. */
export class Item {
  readonly #reader: JsonReader;
  /** `/queues/3` */
  readonly #pointer: string;
  readonly #node: JsonNode;

  constructor(reader: JsonReader, pointer: string) {
    this.#reader = reader;
    this.#pointer = pointer;
    this.#node = reader.node();
  }

  has(key: string): boolean {
    return this.#member(key) !== undefined;
  }

  text(key: string): string {
    const { node, value } = this.#scalar(key);
    if (typeof value === "string") return value;
    throw this.refuse(key, "must be text", node);
  }

  /** @param missing what it is where it is not there; without it, it has to be there. */
  flag(key: string, missing?: boolean): boolean {
    if (missing !== undefined && !this.has(key)) return missing;
    const { node, value } = this.#scalar(key);
    if (typeof value === "boolean") return value;
    throw this.refuse(key, "must be true or false", node);
  }

  integer(key: string): number {
    const { node, value } = this.#scalar(key);
    if (typeof value === "number" && Number.isInteger(value)) return value;
    throw this.refuse(key, "must be a whole number", node);
  }

  choice<T extends string>(key: string, choices: readonly T[]): T {
    const text = this.text(key);
    const found = choices.find((choice) => choice === text);
    if (found !== undefined) return found;
    const message = `must be ${choices.join(" or ")}, found ${quoted(text)}`;
    throw this.refuse(key, message, this.#member(key));
  }

  /** Those of AMQP; none where it is not there. */
  arguments(key: string): Arguments {
    const node = this.#member(key);
    // RabbitMQ writes an empty table as an empty list in places.
    if (node === undefined || (node.kind === "array" && node.items.length === 0)) return {};
    if (node.kind !== "object") throw this.refuse(key, "must be an object", node);
    return this.#table(node, key);
  }

  /** Of a member, or of the object if it has none such. */
  placeOf(...keys: readonly string[]): Place {
    let node = this.#node;
    for (const key of keys) {
      const next: JsonNode | undefined = node.kind === "object" ? node.members.get(key) : undefined;
      if (next === undefined) break;
      node = next;
    }
    return this.#reader.placeOf(node.at);
  }

  /** An error about a member; without its node, about the object. */
  refuse(path: string, message: string, node: JsonNode = this.#node): WarrenError {
    return this.#reader.refuse(`${this.#pointer}/${path} ${message}`, node.at);
  }

  #table(node: JsonNode & { readonly kind: "object" }, path: string): Arguments {
    const table: Record<string, ArgumentValue> = Object.create(null);
    for (const [key, member] of node.members) table[key] = this.#value(member, `${path}/${key}`);
    return table;
  }

  #value(node: JsonNode, path: string): ArgumentValue {
    if (node.kind === "object") return this.#table(node, path);
    if (node.kind === "array") {
      return node.items.map((item, index) => this.#value(item, `${path}/${index}`));
    }
    if (node.value !== null) return node.value;
    throw this.refuse(path, "is null, which no broker takes", node);
  }

  #member(key: string): JsonNode | undefined {
    return this.#node.kind === "object" ? this.#node.members.get(key) : undefined;
  }

  #scalar(key: string) {
    const node = this.#member(key);
    if (node === undefined) throw this.refuse(key, "is missing");
    if (node.kind === "scalar") return { node, value: node.value };
    throw this.refuse(key, "must not be a list or an object", node);
  }
}
