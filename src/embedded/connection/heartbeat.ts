/** Signs of life, both ways. */

/**
 * Looks twice in an interval: says something where nothing was said, and ends what has been silent
 * for two intervals.
 *
 * @param seconds as negotiated; 0: none.
 * @returns stops it.
 */
export function startHeartbeat(
  seconds: number,
  hooks: {
    /** Bytes so far. */
    readonly read: () => number;
    readonly written: () => number;
    readonly beat: () => void;
    readonly onSilence: () => void;
  },
): () => void {
  if (seconds === 0) return () => undefined;
  let [read, written, silent] = [hooks.read(), hooks.written(), 0];
  const timer = setInterval(
    () => {
      silent = hooks.read() === read ? silent + 1 : 0;
      read = hooks.read();
      if (silent >= 4) return hooks.onSilence();
      if (hooks.written() === written) hooks.beat();
      written = hooks.written();
    },
    (seconds * 1_000) / 2,
  );
  return () => clearInterval(timer);
}
