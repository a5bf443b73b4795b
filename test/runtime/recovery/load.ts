/** Load on a runner, and the book kept of it: what was answered, and what became of it. */
import { setTimeout as delay } from "node:timers/promises";
import type { HandlerContext } from "../../../src/handler.ts";
import type { TestHandlers, TestRunner } from "../../support/runner.ts";
import { waitFor } from "../../support/wait-for.ts";

/** What came of a load; the lists hold ids. */
export type Account = {
  readonly accepted: number;
  /** Answered 2xx and never handled. */
  readonly lost: readonly string[];
  /** Said to be certainly not sent, and handled all the same. */
  readonly refusedButHandled: readonly string[];
  /** Of every run. */
  readonly attempts: readonly number[];
};

export class Ledger {
  readonly #answers = new Map<string, number>();
  readonly #attempts = new Map<string, number[]>();
  #isOver = false;
  #loads: Promise<void>[] = [];

  /** Of a queue under load: notes the run, and then does `work`, if any. */
  handler(work: (id: string) => unknown = () => undefined): TestHandlers[string] {
    return async ({ id }: { id: string }, { attempt }: HandlerContext) => {
      this.#attempts.set(id, [...(this.#attempts.get(id) ?? []), attempt]);
      await work(id);
    };
  }

  /** Publishes to these exchanges, one message after another in each of the lanes, until `end`. */
  start(warren: TestRunner, exchanges: readonly string[], lanes = 2): void {
    for (const exchange of exchanges) {
      for (let lane = 0; lane < lanes; lane++) this.#loads.push(this.#load(warren, exchange, lane));
    }
  }

  /** Answers of 202 so far. */
  get accepted(): number {
    return this.#withStatus(202).length;
  }

  /** Messages that have been handled at least once. */
  get handled(): number {
    return this.#attempts.size;
  }

  get duplicates(): number {
    return [...this.#attempts.values()].reduce((sum, runs) => sum + runs.length - 1, 0);
  }

  statuses(): readonly number[] {
    return [...new Set(this.#answers.values())].sort();
  }

  /** Waits until so many more messages are accepted, and handled. */
  async more(count: number): Promise<void> {
    const { accepted, handled } = this;
    const goals = { accepted: accepted + count, handled: handled + count };
    await waitFor(
      (seen) => {
        const now = seen({ accepted: this.accepted, handled: this.handled });
        return now.accepted >= goals.accepted && now.handled >= goals.handled;
      },
      { what: JSON.stringify(goals) },
    );
  }

  /** Ends the load, and waits until everything accepted has been handled. */
  async end(): Promise<Account> {
    this.#isOver = true;
    await Promise.all(this.#loads);
    const lost = () => this.#withStatus(202).filter((id) => !this.#attempts.has(id));
    await waitFor((seen) => seen(lost()).length === 0, {
      what: "everything accepted to be handled",
    }).catch(() => undefined);
    return {
      accepted: this.accepted,
      lost: lost(),
      refusedButHandled: this.#withStatus(503).filter((id) => this.#attempts.has(id)),
      attempts: [...new Set([...this.#attempts.values()].flat())].sort(),
    };
  }

  async #load(warren: TestRunner, exchange: string, lane: number): Promise<void> {
    for (let n = 0; !this.#isOver; n++) {
      const id = `${exchange}-${lane}-${n}`;
      const body = { exchange, routing_key: "x", message: { id }, message_id: id };
      const status = await warren.post("/publish", body).then(
        (answer) => answer.status,
        () => null,
      );
      // The runner is gone: its test has failed.
      if (status === null) return;
      this.#answers.set(id, status);
      if (status !== 202) await delay(50);
    }
  }

  #withStatus(status: number): readonly string[] {
    return [...this.#answers].filter(([, one]) => one === status).map(([id]) => id);
  }
}
