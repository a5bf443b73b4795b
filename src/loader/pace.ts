import { NUMBERS } from "../numbers.ts";
import type { Queue } from "../topology.ts";
import { atOnce, checkPrefetch } from "./concurrency.ts";
import type { BreakerBlock, Consuming, QueueBlock } from "./file.ts";
import { join } from "./pointer.ts";
import type { Report } from "./report.ts";
import { millisecondsOf, perHourOf } from "./units.ts";

const HOUR_MS = 3_600_000;

/** How much of a queue is under way at once, and how fast it goes; what contradicts itself is reported. */
export function paceOf(
  block: QueueBlock,
  defaults: Consuming,
  pointer: string,
  report: Report,
): Pick<Queue, "concurrency" | "prefetch" | "ratePerHour" | "breaker"> {
  const { rate, breaker } = restingOf(block, defaults);
  const ratePerHour = perHourOf(rate) ?? null;
  const pace = { ratePerHour, breaker: breakerOf(breaker) };
  const most = ratePerHour === null ? Number.POSITIVE_INFINITY : aheadOf(ratePerHour);
  if (block.prefetch !== undefined && block.prefetch > most) {
    const where = block.rate === undefined ? `defaults.rate ${rate}` : `rate ${rate}`;
    const message = `prefetch ${block.prefetch} is more than begins within a second: at ${where} at most ${most}`;
    report.value("bad-value", join(pointer, "prefetch"), message);
  }
  if (block.ordered === true) {
    return { ...pace, concurrency: 1, prefetch: block.prefetch ?? 1 };
  }
  if (ratePerHour === null) checkPrefetch(block, defaults, pointer, report);
  const { concurrency, prefetch } = atOnce(block, defaults);
  return { ...pace, concurrency, prefetch: Math.min(prefetch, most) };
}

/** What may be sent ahead: it begins within the time that the table of numbers allows. */
function aheadOf(ratePerHour: number): number {
  return Math.max(1, Math.floor((ratePerHour / HOUR_MS) * NUMBERS.rateAheadMs));
}

/** What leaves a queue alone. Nobody may leave one that is deleted then: the defaults are not for it. */
function restingOf(block: QueueBlock, defaults: Consuming): Pick<Consuming, "rate" | "breaker"> {
  if (block.handler === "none") return {};
  const inherited = block.autoDelete === true ? {} : defaults;
  return { rate: block.rate ?? inherited.rate, breaker: block.breaker ?? inherited.breaker };
}

function breakerOf(block: BreakerBlock | undefined): Queue["breaker"] {
  if (typeof block !== "object") return null;
  const { failureRate, window, pause } = block;
  const pauseMs = millisecondsOf(pause);
  if (failureRate === undefined || window === undefined || pauseMs === undefined) return null;
  return { failureRate, window, pauseMs };
}
