/** Ends a thread that is blocked or takes too much memory, once it has been asked about it. */
import { NUMBERS } from "../../numbers.ts";
import type { Topology } from "../../topology.ts";
import { OUT_OF_MEMORY, type Spawned } from "./spawn.ts";
import { Watch } from "./watch.ts";
import { Interrogation, type Whereabouts } from "./whereabouts.ts";

export class Watchdog {
  readonly #spawned: Spawned;
  readonly #limits: Topology["worker"];
  readonly #onDoomed: (reason: string, where: Whereabouts | null) => void;
  readonly #watch: Watch;
  #isOver = false;

  /** @param onDoomed once; `where` is null if the thread could not say. */
  constructor(
    spawned: Spawned,
    limits: Topology["worker"],
    onDoomed: (reason: string, where: Whereabouts | null) => void,
  ) {
    this.#spawned = spawned;
    this.#limits = limits;
    this.#onDoomed = onDoomed;
    this.#watch = new Watch(spawned.pulse, limits, (reason) => {
      void (reason === OUT_OF_MEMORY ? this.#weigh() : this.#question(reason));
    });
  }

  end(): void {
    this.#isOver = true;
    this.#watch.end();
  }

  /** What it takes may be garbage: it is left alone if no more is alive than it may have. */
  async #weigh(): Promise<void> {
    const { blockedMs, maxHeapBytes } = this.#limits;
    const interrogation = this.#interrogate();
    const where = await Promise.race([interrogation.ask(blockedMs), this.#watch.far()]);
    if (this.#isOver) return;
    if (where && where.heapBytes <= maxHeapBytes) {
      interrogation.letGo();
      this.#watch.calm(where.heapBytes);
    } else this.#doom(OUT_OF_MEMORY, where);
  }

  /** It is blocked, and has to go; but where does it stand? */
  async #question(reason: string): Promise<void> {
    this.#doom(reason, await this.#interrogate().ask(NUMBERS.workerAnswerMs));
  }

  #interrogate(): Interrogation {
    return new Interrogation(this.#spawned.worker, this.#spawned.exited);
  }

  #doom(reason: string, where: Whereabouts | null): void {
    if (this.#isOver) return;
    this.end();
    this.#onDoomed(reason, where);
  }
}
