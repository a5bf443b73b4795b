/** The words of topology.yaml, as the loader reads them; it is given, since apply stands apart from it. */
export type Vocabulary = {
  /** Milliseconds as `1h`. */
  readonly duration: (ms: number) => string;
  /** Bytes as `64KiB`. */
  readonly size: (bytes: number) => string;
  /** `7D` as `7d`; null: no word means exactly that. */
  readonly maxAge: (text: string) => string | null;
  /** null: no such word. */
  readonly overflow: (text: string) => string | null;
  /** Whether RabbitMQ knows the queue argument. */
  readonly knows: (argument: string) => boolean;
};
