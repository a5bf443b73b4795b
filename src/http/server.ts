import { createServer as createHttpServer, type RequestListener, type Server } from "node:http";

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
