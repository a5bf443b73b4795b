/** How far a replacement has got: kept in the project's state, so that it can be resumed. */
export type Journal = {
  /** The queue that is replaced. */
  readonly queue: string;
  readonly phase: string;
};
