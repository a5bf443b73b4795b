import { Presets, SingleBar } from "cli-progress";
import type { Progress } from "../apply/change/context.ts";

/** Shows how far something has got, to a person who watches. */
export class ProgressBar {
  readonly #bar: SingleBar | null;
  #isShown = false;

  /** @param terminal null: nobody watches, and nothing is written. */
  constructor(terminal: NodeJS.WritableStream | null) {
    const options = {
      format: "  {bar} {value}/{total}  {what}",
      stream: terminal ?? undefined,
      clearOnComplete: true,
      hideCursor: true,
      linewrap: false,
    };
    this.#bar = terminal && new SingleBar(options, Presets.shades_classic);
  }

  show({ done, total, what }: Progress): void {
    if (!this.#isShown) this.#bar?.start(total, 0, { what });
    this.#isShown = true;
    this.#bar?.update(done, { what });
  }

  /** Leaves nothing of it on the terminal. */
  end(): void {
    if (this.#isShown) this.#bar?.stop();
    this.#isShown = false;
  }
}
