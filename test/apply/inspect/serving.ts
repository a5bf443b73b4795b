/** The `test` of what answers in place of a management API: small servers that are closed after it. */
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type Management, openManagement } from "../../../src/apply/inspect/management.ts";
import { test as plain } from "../../support/test.ts";
import { addressOf } from "./looking.ts";

export { expect } from "../../support/test.ts";

export type Serve = (
  answer: (request: IncomingMessage, response: ServerResponse) => void,
) => Promise<string>;

/** Every fixture waits for the end of what it began. */
export const test = plain.extend<{ readonly serve: Serve }>({
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads there what a fixture needs
  serve: async ({}, use) => {
    const servers: ReturnType<typeof createServer>[] = [];
    await use(async (answer) => {
      const server = createServer(answer);
      servers.push(server);
      server.listen(0, "127.0.0.1");
      await once(server, "listening");
      return `http://reader:secret@127.0.0.1:${(server.address() as AddressInfo).port}`;
    });
    await Promise.all(
      servers.map(async (server) => {
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
      }),
    );
  },
});

/** A client of what is at this url. */
export function clientOf(url: string, signal?: AbortSignal): Management {
  const amqp = addressOf("amqp://over:amqp@127.0.0.1");
  return openManagement(addressOf(url), { amqp, vhost: "/", signal });
}

/** Sends a status, a type and a body. */
export function answering(status: number, type: string, body: string) {
  return (_: IncomingMessage, response: ServerResponse) => {
    response.writeHead(status, { "content-type": type }).end(body);
  };
}
