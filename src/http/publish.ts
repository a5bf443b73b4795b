import { type Request, type RequestHandler, type Response, Router } from "express";
import type { ErrorCode } from "../errors.ts";
import { CLOUD_EVENT } from "../events/encoding.ts";
import { decodeJson, type JsonLimits, MESSAGE_LIMITS } from "../events/json.ts";
import { compileProperties, propertySchemas } from "../runtime/properties.ts";
import type { Published, PublishRequest } from "../runtime/publish.ts";
import { bodyOf, readBody } from "./body.ts";
import { memberBytes } from "./member.ts";
import { malformed, type Options, readOptions, toProperties } from "./options.ts";
import { allowOnly, Refusal } from "./problem.ts";

type Publish = (request: PublishRequest) => Promise<Published>;

/** `POST /publish` and `POST /publish/{group or event}`. */
export function publishRoutes(publish: Publish): Router {
  const router = Router();
  router
    .route("/publish")
    .post(...readBody(["application/json"]), toExchange(publish))
    .all(allowOnly("POST"));
  router
    .route("/publish/:name")
    .post(...readBody(["application/json", CLOUD_EVENT]), toPublication(publish))
    .all(allowOnly("POST"));
  return router;
}

/** The message in a wrapper that says where it goes. */
type Wrapper = Options & { readonly exchange: string; readonly routing_key?: string };

/** What is in it has the limits of a message; these leave room for what stands around that. */
const WRAPPER_LIMITS: JsonLimits = {
  depth: MESSAGE_LIMITS.depth + 1,
  values: MESSAGE_LIMITS.values + 1_000,
};

const checkWrapper = compileProperties({
  type: "object",
  required: ["exchange", "message"],
  properties: {
    exchange: { rule: "shortString" },
    message: true,
    ...propertySchemas,
  },
  additionalProperties: false,
});

function toExchange(publish: Publish): RequestHandler {
  return async (request, response) => {
    const body = bodyOf(request);
    const decoded = decodeJson(body, WRAPPER_LIMITS);
    if (!decoded.ok) throw new Refusal("malformed", decoded.message);
    const violations = checkWrapper(decoded.value);
    if (violations.length > 0) throw malformed(violations);
    const wrapper = decoded.value as Wrapper;
    const published = await publish({
      ...toProperties(request, wrapper),
      exchange: wrapper.exchange,
      routingKey: wrapper.routing_key ?? null,
      body: memberBytes(body, "message") ?? Buffer.alloc(0),
      contentType: "application/json",
    });
    answer(response, published);
  };
}

/** The body is the event, and goes on as it is. */
function toPublication(publish: Publish): RequestHandler<{ name: string }> {
  return async (request, response) => {
    const published = await publish({
      ...toProperties(request as Request, readOptions(request as Request)),
      publication: request.params.name,
      body: bodyOf(request as Request),
      contentType: request.headers["content-type"] ?? null,
    });
    answer(response, published);
  };
}

/** In our own words: what the broker and its client say is for the log. */
const BROKER_DETAILS: Partial<Record<ErrorCode, string>> = {
  unroutable: "no queue takes a message with this key from this exchange",
  nacked: "the broker refused the message; where it goes to several queues, some may have it",
  "access-refused": "the broker does not let this runner publish there",
  blocked: "the broker takes no messages at present: its memory or disk is full",
  disconnected: "the broker is away",
  overloaded: "too many messages are on their way to the broker",
  stopping: "this runner is stopping",
  "outcome-unknown": "the broker has not confirmed the message in time: it may have arrived",
};

function answer(response: Response, published: Published): void {
  if (!published.ok) {
    const { code, message, violations = [], messageId } = published;
    const detail = BROKER_DETAILS[code];
    if (detail === undefined) throw new Refusal(code, message, { violations });
    throw new Refusal(code, detail, { messageId });
  }
  const { messageId, exchange, routingKey, via } = published;
  response.status(202).json({
    status: "published",
    message_id: messageId,
    exchange,
    routing_key: routingKey,
    ...(via === null ? {} : { via }),
  });
}
