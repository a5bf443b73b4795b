/** The part of RabbitMQ's management interface that warren uses, with the same answers. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { json } from "node:stream/consumers";
import type { Broker } from "../model/broker.ts";
import { runRoute } from "./routes.ts";

export function handleManagement(
  broker: Broker,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  answer(broker, request, response).catch((error: unknown) => {
    send(response, 400, { error: "bad_request", reason: String(error) });
  });
}

async function answer(
  broker: Broker,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { method = "GET", url = "/" } = request;
  const { pathname } = new URL(url, "http://localhost");
  if (!isKnown(broker, request)) {
    send(response, 401, { error: "not_authorized", reason: "Login failed" });
    return;
  }
  const isEmpty = method !== "PUT" || request.headers["content-length"] === "0";
  const body = isEmpty ? {} : await json(request);
  const path = pathname.startsWith("/api/") ? pathname.slice("/api/".length) : "";
  const result = runRoute(broker, method, path, body as Readonly<Record<string, unknown>>);
  if (result) send(response, result.status, result.body);
  else send(response, 404, { error: "Object Not Found", reason: "Not Found" });
}

function isKnown(broker: Broker, { headers: { authorization = "" } }: IncomingMessage): boolean {
  const [, encoded = ""] = /^Basic (.+)$/.exec(authorization) ?? [];
  const [name = "", password = ""] = Buffer.from(encoded, "base64").toString().split(/:(.*)/s);
  return broker.users.isKnown(name, password);
}

function send(response: ServerResponse, status: number, body: unknown): void {
  const text = body === undefined ? "" : JSON.stringify(body);
  response.writeHead(status, { "content-type": "application/json" }).end(text);
}
