import { type Request, type RequestHandler, type Response, Router } from "express";
import type { ErrorCode } from "../errors.ts";
import { CLOUD_EVENT } from "../events/encoding.ts";
import { propertySchemas } from "../runtime/publish/properties.ts";
import type { Published, PublishRequest } from "../runtime/publish/publish.ts";
import { bodyOf, readBody } from "./body.ts";
import { type Options, readOptions, toProperties } from "./options.ts";
import { allowOnly, Refusal } from "./problem.ts";
import { readWrapper, type Target, wrapperCheck } from "./wrapper.ts";

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
type Wrapper = Options & Target;

const checkWrapper = wrapperCheck(propertySchemas);

function toExchange(publish: Publish): RequestHandler {
  return async (request, response) => {
    const { wrapper, message } = readWrapper<Wrapper>(bodyOf(request), checkWrapper);
    const published = await publish({
      exchange: wrapper.exchange,
      routingKey: wrapper.routing_key ?? null,
      body: message,
      contentType: "application/json",
      ...toProperties(request, wrapper),
    });
    answer(response, published);
  };
}

/** The body is the event, and goes on as it is. */
function toPublication(publish: Publish): RequestHandler<{ name: string }> {
  return async (request, response) => {
    const published = await publish({
      publication: request.params.name,
      body: bodyOf(request as Request),
      contentType: request.headers["content-type"] ?? null,
      ...toProperties(request as Request, readOptions(request as Request)),
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

/** What did not reach a queue, or may not have. */
export function refusalOf(published: Extract<Published, { ok: false }>): Refusal {
  const { code, message, violations = [], messageId } = published;
  const detail = BROKER_DETAILS[code];
  return detail === undefined
    ? new Refusal(code, message, { violations })
    : new Refusal(code, detail, { messageId });
}

function answer(response: Response, published: Published): void {
  if (!published.ok) throw refusalOf(published);
  const { messageId, exchange, routingKey, via } = published;
  response.status(202).json({
    status: "published",
    message_id: messageId,
    exchange,
    routing_key: routingKey,
    ...(via === null ? {} : { via }),
  });
}
