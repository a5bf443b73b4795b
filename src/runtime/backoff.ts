/** How long to wait before the next attempt. */
import { isLoss, isSilence } from "../connect.ts";
import { NUMBERS } from "../numbers.ts";

/** Full jitter, in milliseconds: anywhere below a bound that doubles with each failure. */
export function backoffMs(failures: number, maxMs: number = NUMBERS.reconnectMaxMs): number {
  return Math.random() * boundOf(failures, maxMs);
}

function boundOf(failures: number, maxMs: number): number {
  return Math.min(maxMs, NUMBERS.reconnectMinMs * 2 ** failures);
}

/**
 * Spaces the attempts to connect. A connection has held if it lived longer than `steadyMs`, and than
 * the bound after the refusals before it.
 *
 * | what happened last                                        | the next attempt |
 * |-----------------------------------------------------------|------------------|
 * | nobody answered (refused port, silence)                   | backs off to `probeMaxMs`: it costs nobody anything |
 * | the broker answered, and refused                          | backs off to `reconnectMaxMs` |
 * | a connection ended that had held                          | within `reconnectMinMs` |
 * | another one broke                                         | like one that nobody answered |
 * | the broker ended another one, or it could not be read     | like a refusal |
 */
export class ReconnectBackoff {
  readonly #steadyMs: number;
  /** In a row: attempts that were answered, and did not hold. */
  #refusals = 0;
  /** In a row: attempts that nobody answered. */
  #silences = 0;

  /** @param steadyMs a connection that lived no longer has not held. */
  constructor(steadyMs: number = NUMBERS.steadyMs) {
    this.#steadyMs = steadyMs;
  }

  /** Attempts in a row that did not hold. */
  get failures(): number {
    return this.#refusals + this.#silences;
  }

  /** An attempt failed. */
  failed(error: unknown): void {
    if (isSilence(error)) this.#silences += 1;
    else this.#refused();
  }

  /** A connection was lost after this time. */
  lost(reason: Error, livedMs: number): void {
    const boundMs = boundOf(this.#refusals, NUMBERS.reconnectMaxMs);
    const isSteady = livedMs > Math.max(this.#steadyMs, boundMs);
    if (isSteady) {
      this.#refusals = 0;
      this.#silences = 0;
    } else if (isLoss(reason)) this.#silences += 1;
    else this.#refused();
  }

  /** Milliseconds until the next attempt. */
  nextMs(): number {
    if (this.#silences > 0) return backoffMs(this.#silences, NUMBERS.probeMaxMs);
    return backoffMs(this.#refusals);
  }

  #refused(): void {
    this.#silences = 0;
    this.#refusals += 1;
  }
}
