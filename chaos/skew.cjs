// Preloaded into one runner: its wall clock is wrong by CHAOS_SKEW_MS, and jumps back and forth
// every two seconds. Timers and the monotonic clock stay true.
const RealDate = Date;
const skewMs = Number(process.env.CHAOS_SKEW_MS ?? 0);
const begin = RealDate.now();

function skewedNow() {
  const real = RealDate.now();
  return real + (Math.floor((real - begin) / 2_000) % 2 === 0 ? skewMs : -skewMs);
}

globalThis.Date = class SkewedDate extends RealDate {
  constructor(...given) {
    if (given.length === 0) super(skewedNow());
    else super(...given);
  }

  static now() {
    return skewedNow();
  }
};
