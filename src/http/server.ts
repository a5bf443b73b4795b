import { once } from "node:events";
import { createServer as createHttpServer, type RequestListener, type Server } from "node:http";
import { within } from "../within.ts";

/** A server with limits against slow and greedy clients; it does not listen yet. */
export function createServer(app: RequestListener): Server {
  const server = createHttpServer(
    {
      headersTimeout: 10_000,
      requestTimeout: 30_000,
      keepAliveTimeout: 10_000,
      // How often the two are looked at; 30 s by default, which would make them longer.
      connectionsCheckingInterval: 1_000,
      maxHeaderSize: 16 * 1024,
    },
    app,
  );
  server.maxConnections = 10_000;
  return server;
}

/** How often a closing server looks for connections that have become idle, in milliseconds. */
const IDLE_CHECK_MS = 20;

/**
 * Requests under way are answered; every connection ends as soon as it is idle. Node alone would
 * keep one that was busy at the close, for as long as its client sends another request.
 *
 * @returns false when requests were cut off, after `timeoutMs`.
 */
export async function closeServer(server: Server, timeoutMs: number): Promise<boolean> {
  const closed = once(server, "close").then(() => true);
  server.close();
  server.prependListener("request", (_request, response) => {
    response.shouldKeepAlive = false;
  });
  const idle = setInterval(() => server.closeIdleConnections(), IDLE_CHECK_MS);
  const isServed = await within(closed, timeoutMs, false);
  server.closeAllConnections();
  await closed;
  clearInterval(idle);
  return isServed;
}
