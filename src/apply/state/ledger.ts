/** The project's state while its lock is held: what was read, and what is written in its place. */
import { isDeepStrictEqual } from "node:util";
import type { BrokerConnection } from "../../broker-connection.ts";
import { NOTHING_OWNED, type Owned, type StateRecord } from "./record.ts";
import { readState, writeState } from "./state.ts";

type Content = Pick<StateRecord, "owned" | "hash" | "journal">;

export class Ledger {
  readonly #connection: BrokerConnection;
  readonly #project: string;
  readonly #by: string;
  /** What the last apply has left; null: there is none, or it is lost. */
  readonly before: StateRecord | null;
  #written: StateRecord | null;

  private constructor(
    connection: BrokerConnection,
    before: StateRecord | null,
    by: string,
    project: string,
  ) {
    this.#connection = connection;
    this.#project = project;
    this.#by = by;
    this.before = before;
    this.#written = before;
  }

  /** @throws {WarrenError} as `readState`. */
  static async open(
    connection: BrokerConnection,
    options: { readonly project: string; readonly by: string; readonly signal?: AbortSignal },
  ): Promise<Ledger> {
    const before = await readState(connection, options.project, options);
    return new Ledger(connection, before, options.by, options.project);
  }

  /** What is in the broker now. */
  get record(): StateRecord | null {
    return this.#written;
  }

  get owned(): Owned {
    return this.#written?.owned ?? NOTHING_OWNED;
  }

  /** While changes are under way: still of the generation before. @throws {WarrenError} as `writeState`. */
  async note(content: Partial<Content>): Promise<void> {
    await this.#write(this.draft(content));
  }

  /** What there would be with that; nothing is written. */
  draft(content: Partial<Content>): StateRecord {
    return { ...(this.#written ?? this.#first()), ...content };
  }

  /** At the end: a new generation, unless it says the same. @throws {WarrenError} as `writeState`. */
  async finish(content: Content): Promise<StateRecord> {
    const { before } = this;
    const isSame = before !== null && isDeepStrictEqual(contentOf(before), content);
    const record = isSame ? before : { ...this.#first(), ...content, generation: this.#next() };
    await this.#write(record);
    return record;
  }

  #next(): number {
    return (this.before?.generation ?? 0) + 1;
  }

  #first(): StateRecord {
    return {
      v: 1,
      project: this.#project,
      generation: 0,
      appliedAt: new Date().toISOString(),
      by: this.#by,
      hash: "",
      owned: NOTHING_OWNED,
      journal: null,
    };
  }

  async #write(record: StateRecord): Promise<void> {
    if (isDeepStrictEqual(record, this.#written)) return;
    await writeState(this.#connection, record);
    this.#written = record;
  }
}

function contentOf({ owned, hash, journal }: StateRecord): Content {
  return { owned, hash, journal };
}
