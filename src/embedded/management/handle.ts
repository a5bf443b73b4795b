/** The part of RabbitMQ's management interface that warren uses, with the same answers. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { json } from "node:stream/consumers";
import type { Broker } from "../model/broker.ts";
import { type Answer, type Caller, refused } from "./answer.ts";
import { writeJson } from "./json.ts";
import { type Body, runRoute } from "./routes.ts";

export function handleManagement(
  broker: Broker,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  void answer(broker, request)
    .catch((error: unknown) => refused(400, "bad_request", String(error)))
    .then((result) => send(response, result));
}

async function answer(broker: Broker, request: IncomingMessage): Promise<Answer> {
  const { method = "GET", url = "/" } = request;
  const caller = callerOf(broker, request);
  if (!caller) return refused(401, "not_authorized", "Not_Authorized");
  // Not as a URL, which would resolve a name that is two dots.
  const [, path = "", query = ""] = /^\/api\/([^?]*)\??(.*)$/s.exec(url) ?? [];
  const isEmpty = method !== "PUT" || request.headers["content-length"] === "0";
  const body = (isEmpty ? {} : await json(request)) as Body;
  return runRoute(broker, { method, path, query: new URLSearchParams(query), body, caller });
}

/** Who asks, if it is somebody who may ask at all. */
function callerOf(broker: Broker, request: IncomingMessage): Caller | null {
  const { authorization = "" } = request.headers;
  const [, encoded = ""] = /^Basic (.+)$/.exec(authorization) ?? [];
  const [name = "", password = ""] = Buffer.from(encoded, "base64").toString().split(/:(.*)/s);
  if (!broker.users.isKnown(name, password)) return null;
  const tags = broker.users.tagsOf(name);
  return tags.some((tag) => MAY_ASK.has(tag)) ? { name, tags } : null;
}

const MAY_ASK: ReadonlySet<string> = new Set([
  "administrator",
  "monitoring",
  "policymaker",
  "management",
]);

function send(response: ServerResponse, { status, body }: Answer): void {
  const text = body === undefined ? "" : writeJson(body);
  response.writeHead(status, { "content-type": "application/json" }).end(text);
}
