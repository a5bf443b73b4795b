/** What happened in a soak, counted. */

export type Seen = {
  /** How often, by what it was: `publish`, `channel 406`, `socket garbled`. */
  readonly counts: ReadonlyMap<string, number>;
  /** What must not happen, in the order in which it did. */
  readonly problems: readonly string[];
  count(what: string): void;
  /** An error that the broker or amqplib gave for an operation. */
  failed(scope: "channel" | "connection", operation: string, error: unknown): void;
  problem(text: string): void;
};

/** What random operations may well be answered with. */
const EXPECTED = {
  channel: [403, 404, 405, 406],
  // 320: its vhost is deleted; 540: what streams do not do. 505: the rest of a message, sent on a
  // channel that the broker has closed, is overtaken by amqplib's next channel of that number.
  connection: [320, 505, 530, 540],
} as const;

const MAX_PROBLEMS = 20;

export function createSeen(): Seen {
  const counts = new Map<string, number>();
  const problems: string[] = [];
  const count = (what: string) => void counts.set(what, (counts.get(what) ?? 0) + 1);
  const problem = (text: string) => {
    if (problems.length < MAX_PROBLEMS) problems.push(text);
  };
  return {
    counts,
    problems,
    count,
    problem,
    failed(scope, operation, error) {
      const { code } = error as { readonly code?: unknown };
      count(`${scope} ${code}`);
      const isExpected = (EXPECTED[scope] as readonly unknown[]).includes(code);
      if (!isExpected) problem(`${operation}: ${scope}: ${error}`);
    },
  };
}
