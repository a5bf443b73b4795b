/** Refusals as RFC 9457 says them; nothing of the inside gets into an answer. */
import { randomUUID } from "node:crypto";
import type { ErrorRequestHandler, RequestHandler, Response } from "express";
import { type ErrorCode, errorTable } from "../errors.ts";
import type { Violation } from "../events/reader.ts";
import type { Log } from "../handler.ts";

/** Thrown in a route: the request is refused with it. */
export class Refusal extends Error {
  readonly code: ErrorCode;
  readonly violations: readonly Violation[];
  readonly messageId: string | null;

  constructor(
    code: ErrorCode,
    message: string,
    more: { violations?: readonly Violation[]; messageId?: string } = {},
  ) {
    super(message);
    this.name = "Refusal";
    this.code = code;
    this.violations = more.violations ?? [];
    this.messageId = more.messageId ?? null;
  }
}

/** Gives each request an id, which its refusal, its log lines and the header X-Request-Id name. */
export const identify: RequestHandler = (_request, response, next) => {
  response.locals.requestId = randomUUID();
  response.setHeader("X-Request-Id", requestIdOf(response));
  next();
};

/** The id that `identify` has given. */
export function requestIdOf(response: Response): string {
  return String(response.locals.requestId);
}

/** Refuses the methods that a route does not have. */
export function allowOnly(methods: string): RequestHandler {
  return (_request, response) => {
    response.setHeader("Allow", methods);
    throw new Refusal("method-not-allowed", `this route takes ${methods}`);
  };
}

/** Answers whatever a route or the reading of a body has thrown. */
export function refuseWith(log: Log): ErrorRequestHandler {
  return (error: unknown, _request, response, next) => {
    const refusal = error instanceof Refusal ? error : toRefusal(error);
    const facts = { requestId: requestIdOf(response), code: refusal.code };
    if (refusal.code === "internal-error") log.error({ ...facts, err: error }, "request failed");
    else log.debug({ ...facts, detail: refusal.message }, "request refused");
    // Half an answer can't become a refusal: express ends the connection.
    if (response.headersSent) next(error);
    else send(response, refusal);
  };
}

/** What express and its body reader throw is known by `type` and `status`. */
function toRefusal(error: unknown): Refusal {
  const { type, status } = Object(error) as { type?: unknown; status?: unknown };
  if (type === "entity.too.large") return new Refusal("body-too-large", "the body is too large");
  if (status === 415) {
    return new Refusal("unsupported-media-type", "the body is compressed or in another charset");
  }
  if (status === 400) return new Refusal("malformed", "the request can't be read");
  return new Refusal("internal-error", "something went wrong in warren");
}

function send(response: Response, { code, message, violations, messageId }: Refusal): void {
  const status = errorTable[code].http ?? 500;
  if (status === 503) response.setHeader("Retry-After", "1");
  const title = code.charAt(0).toUpperCase() + code.slice(1).replaceAll("-", " ");
  const problem = {
    type: `urn:warren:problem:${code}`,
    title,
    status,
    code,
    detail: message,
    ...(violations.length === 0 ? {} : { violations }),
    ...(messageId === null ? {} : { message_id: messageId }),
    request_id: requestIdOf(response),
  };
  response.status(status).type("application/problem+json").send(JSON.stringify(problem));
}
