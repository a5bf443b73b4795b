/** What the protocol has for a mistake: the code, its name, and what it ends. */

const CODES = {
  "content-too-large": [311, "CONTENT_TOO_LARGE", "channel"],
  "no-route": [312, "NO_ROUTE", "channel"],
  "no-consumers": [313, "NO_CONSUMERS", "channel"],
  "connection-forced": [320, "CONNECTION_FORCED", "connection"],
  "access-refused": [403, "ACCESS_REFUSED", "channel"],
  "not-found": [404, "NOT_FOUND", "channel"],
  "resource-locked": [405, "RESOURCE_LOCKED", "channel"],
  "precondition-failed": [406, "PRECONDITION_FAILED", "channel"],
  "frame-error": [501, "FRAME_ERROR", "connection"],
  "syntax-error": [502, "SYNTAX_ERROR", "connection"],
  "command-invalid": [503, "COMMAND_INVALID", "connection"],
  "channel-error": [504, "CHANNEL_ERROR", "connection"],
  "unexpected-frame": [505, "UNEXPECTED_FRAME", "connection"],
  "resource-error": [506, "RESOURCE_ERROR", "connection"],
  "not-allowed": [530, "NOT_ALLOWED", "connection"],
  "not-implemented": [540, "NOT_IMPLEMENTED", "connection"],
  "internal-error": [541, "INTERNAL_ERROR", "connection"],
} as const;

export type AmqpCode = keyof typeof CODES;

/** Class and method, as `connection.close` names what went wrong. */
export type MethodId = readonly [classId: number, methodId: number];

/** @see https://www.rabbitmq.com/amqp-0-9-1-reference#constants */
export class AmqpError extends Error {
  readonly replyCode: number;
  /** The channel it came up on, or the whole connection. */
  readonly scope: "channel" | "connection";
  /** What it answers; null: nothing that can be named, or it is not known yet. */
  method: MethodId | null;

  /** @param explanation stands behind the code's name, as clients show it. */
  constructor(code: AmqpCode, explanation: string, method: MethodId | null = null) {
    const [replyCode, name, scope] = CODES[code];
    super(`${name} - ${explanation}`);
    this.replyCode = replyCode;
    this.scope = scope;
    this.method = method;
  }

  /** Cut to what a short string holds, as the protocol wants it. */
  get replyText(): string {
    const bytes = Buffer.from(this.message);
    if (bytes.length <= 255) return this.message;
    // A character that is cut in two goes altogether.
    return `${bytes.toString("utf8", 0, 252).replace(/\ufffd$/, "")}...`;
  }
}

/** The arguments of the `close` that tells a client of it. */
export function closeOf({ replyCode, replyText, method }: AmqpError) {
  const [classId, methodId] = method ?? [0, 0];
  return { replyCode, replyText, classId, methodId };
}

/** What is no mistake of the client's is the broker's. It answers this method unless it names one. */
export function asAmqpError(error: unknown, method: MethodId | null = null): AmqpError {
  if (!(error instanceof AmqpError)) return new AmqpError("internal-error", String(error), method);
  error.method ??= method;
  return error;
}
