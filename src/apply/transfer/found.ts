/** What import has found, in a broker or in its definitions: the objects of one vhost, and the rest by name. */
import { type Place, WarrenError } from "../../errors.ts";
import { NUMBERS } from "../../numbers.ts";
import type { LiveBinding, LiveExchange, LivePolicy, LiveQueue } from "../live.ts";

export type Found = {
  /** null: the definitions don't say. */
  readonly vhost: string | null;
  /** Where it was found, for the reader of the file: `rabbitmq 3.10.8 at http://…`. */
  readonly origin: string;
  readonly exchanges: readonly LiveExchange[];
  readonly queues: readonly FoundQueue[];
  readonly bindings: readonly LiveBinding[];
  readonly policies: readonly LivePolicy[];
  readonly unmanaged: readonly Unmanaged[];
  /** What could not be looked at, in words. */
  readonly unseen: readonly string[];
  /** Where one of these objects, or a member of it, stands in the definitions; null: found in a broker. */
  readonly placeOf: ((object: object, ...keys: readonly string[]) => Place) | null;
};

export type FoundQueue = Omit<LiveQueue, "counts">;

/** What is there and stays as it is: warren manages exchanges, queues, bindings and policies alone. */
export type Unmanaged = {
  /** `users` */
  readonly kind: string;
  readonly count: number;
  /** The first of them. */
  readonly names: readonly string[];
};

/** Counts what is not managed, and remembers as many names as a person reads. */
export class Tally {
  readonly #kinds = new Map<string, { kind: string; count: number; names: string[] }>();

  add(kind: string, name: string): void {
    let tally = this.#kinds.get(kind);
    if (tally === undefined) {
      tally = { kind, count: 0, names: [] };
      this.#kinds.set(kind, tally);
    }
    if (tally.count++ < 10) tally.names.push(name);
  }

  get all(): readonly Unmanaged[] {
    return [...this.#kinds.values()];
  }
}

/** `3 users (alice, bob, carol)` */
export function formatUnmanaged({ kind, count, names }: Unmanaged): string {
  const more = count > names.length ? `, and ${count - names.length} more` : "";
  const word = count === 1 ? kind.replace(/ies$/, "y").replace(/s$/, "") : kind;
  return `${count} ${word} (${names.join(", ")}${more})`;
}

/**
 * Refuses at once what would not fit into topology.yaml.
 *
 * @throws {WarrenError} file-too-large
 */
export function checkCount(count: number): void {
  const { maxImportedObjects: most } = NUMBERS;
  if (count <= most) return;
  const message = `${count} objects are more than topology.yaml can hold: at most ${most} are imported`;
  throw new WarrenError("file-too-large", message);
}
