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

/** @see https://www.rabbitmq.com/amqp-0-9-1-reference#constants */
export class AmqpError extends Error {
  readonly replyCode: number;
  /** The channel it came up on, or the whole connection. */
  readonly scope: "channel" | "connection";

  /** @param explanation stands behind the code's name, as clients show it. */
  constructor(code: AmqpCode, explanation: string) {
    const [replyCode, name, scope] = CODES[code];
    super(`${name} - ${explanation}`);
    this.replyCode = replyCode;
    this.scope = scope;
  }

  /** Cut to what a short string holds, as the protocol wants it. */
  get replyText(): string {
    const bytes = Buffer.from(this.message);
    return bytes.length <= 255 ? this.message : `${bytes.toString("utf8", 0, 252)}...`;
  }
}
