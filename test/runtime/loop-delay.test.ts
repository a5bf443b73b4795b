import { setTimeout as delay } from "node:timers/promises";
import { expect, test, vi } from "vitest";
import { LoopDelay } from "../../src/runtime/loop-delay.ts";

function block(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

test("a loop that was blocked shows for a minute, and as the worst until the end", async () => {
  // The minute alone is not real; what is measured is.
  vi.useFakeTimers({ toFake: ["setInterval"] });
  const loop = new LoopDelay();
  try {
    await delay(50);
    block(500);
    await delay(50);
    expect(loop.status.maxMs).toBeGreaterThan(400);
    const { worstMs } = loop.status;
    expect(worstMs).toBe(loop.status.maxMs);
    vi.advanceTimersByTime(30_000);
    // What shows now has seen the same by itself, and may have seen it a little longer or shorter.
    const { maxMs, worstMs: worst } = loop.status;
    expect(maxMs).toBeGreaterThan(400);
    expect(worst).toBe(Math.max(maxMs, worstMs));
    vi.advanceTimersByTime(30_000);
    expect(loop.status.maxMs).toBeLessThan(400);
    expect(loop.status.worstMs).toBe(worst);
  } finally {
    loop.end();
    vi.useRealTimers();
  }
});
