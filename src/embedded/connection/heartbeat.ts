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
    /** Changes with every sign of life. */
    readonly sign: () => number;
    /** Nobody listens, so that nothing can be heard. */
    readonly isDeaf: () => boolean;
    /** Bytes so far. */
    readonly written: () => number;
    readonly beat: () => void;
    readonly onSilence: () => void;
  },
): () => void {
  if (seconds === 0) return () => undefined;
  let [sign, written, silent] = [hooks.sign(), hooks.written(), 0];
  const timer = setInterval(
    () => {
      silent = hooks.isDeaf() || hooks.sign() !== sign ? 0 : silent + 1;
      sign = hooks.sign();
      if (silent >= 4) return hooks.onSilence();
      if (hooks.written() === written) hooks.beat();
      written = hooks.written();
    },
    (seconds * 1_000) / 2,
  );
  return () => clearInterval(timer);
}
