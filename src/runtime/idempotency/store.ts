/**
 * What remembers messages by their keys: who is running one now, for as long as his lease lasts, and
 * which were handled. Where a lease and a handled message meet, the message was handled.
 */
export type LeaseStore = {
  /** As it may be shown: `memory`, or a url without its password. */
  readonly shown: string;
  /**
   * Takes the lease of a key for `ms` milliseconds, or prolongs the holder's own.
   *
   * @throws {Error} when the store does not answer; whether the lease was taken, nobody knows then.
   */
  take(key: string, holder: string, ms: number): Promise<Taken>;
  /**
   * Says that the message was handled, for `ms` milliseconds, whoever has its lease.
   *
   * @returns false if that was somebody else: he may be handling it once more.
   * @throws {Error} as `take`.
   */
  finish(key: string, holder: string, ms: number): Promise<boolean>;
  /** Ends the holder's own lease. @throws {Error} as `take`. */
  release(key: string, holder: string): Promise<void>;
  stop(): Promise<void>;
};

/** ours: the holder has the lease; held: somebody else; done: the message was handled. */
export type Taken = "ours" | "held" | "done";
