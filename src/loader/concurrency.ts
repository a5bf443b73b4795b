import { NUMBERS } from "../numbers.ts";
import type { Queue } from "../topology.ts";
import type { Consuming } from "./file.ts";
import { join } from "./pointer.ts";
import type { Report } from "./report.ts";

/** How much of a queue is under way at once. */
export function atOnce(
  said: Consuming,
  defaults: Consuming,
): Pick<Queue, "concurrency" | "prefetch"> {
  const concurrency = said.concurrency ?? defaults.concurrency ?? NUMBERS.concurrency;
  return { concurrency, prefetch: said.prefetch ?? defaults.prefetch ?? concurrency };
}

/** Fewer messages than handlers would leave handlers idle for ever. */
export function checkPrefetch(
  said: Consuming,
  defaults: Consuming,
  pointer: string,
  report: Report,
): void {
  if (said.prefetch === undefined && said.concurrency === undefined) return;
  const { concurrency, prefetch } = atOnce(said, defaults);
  if (prefetch >= concurrency) return;
  const key = said.prefetch === undefined ? "concurrency" : "prefetch";
  const message = `prefetch ${prefetch} is lower than concurrency ${concurrency}`;
  report.value("bad-value", join(pointer, key), message);
}
