import { type RequestHandler, Router } from "express";
import { NUMBERS } from "../numbers.ts";
import { propertySchemas } from "../runtime/publish/properties.ts";
import type { Called, CallRequest } from "../runtime/rpc/call.ts";
import { bodyOf, readBody } from "./body.ts";
import { type Options, toProperties } from "./options.ts";
import { allowOnly, Refusal } from "./problem.ts";
import { refusalOf } from "./publish.ts";
import { readWrapper, type Target, wrapperCheck } from "./wrapper.ts";

type Call = (request: CallRequest) => Promise<Called>;

/** `POST /rpc`. */
export function rpcRoutes(call: Call): Router {
  const router = Router();
  router
    .route("/rpc")
    .post(...readBody(["application/json"]), ask(call))
    .all(allowOnly("POST"));
  return router;
}

/** Neither a correlation id nor an expiration: by these a reply finds its call, and ends in time. */
type Wrapper = Target &
  Omit<Options, "correlation_id" | "expiration"> & {
    /** For the reply, in milliseconds. */
    readonly timeout?: number;
  };

const { correlation_id: _id, expiration: _expiration, ...options } = propertySchemas;
const checkWrapper = wrapperCheck({
  ...options,
  timeout: { type: "integer", minimum: 1, maximum: NUMBERS.maxCallTimeoutMs },
});

function ask(call: Call): RequestHandler {
  return async (request, response) => {
    const { wrapper, message } = readWrapper<Wrapper>(bodyOf(request), checkWrapper);
    const called = await call({
      exchange: wrapper.exchange,
      routingKey: wrapper.routing_key ?? null,
      body: message,
      contentType: "application/json",
      timeoutMs: wrapper.timeout ?? NUMBERS.callTimeoutMs,
      ...toProperties(request, wrapper),
    });
    if (!called.ok) throw refuse(called);
    const { messageId, reply } = called;
    response.setHeader("X-Message-Id", encodeURIComponent(messageId));
    response.type("application/json").send(reply);
  };
}

function refuse(called: Extract<Called, { ok: false }>): Refusal {
  const { code, message, messageId } = called;
  const isAnswer = code === "rpc-failed" || code === "no-reply";
  return isAnswer ? new Refusal(code, message, { messageId }) : refusalOf(called);
}
