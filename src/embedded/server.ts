/** The listeners of a broker: AMQP, and the management interface beside it. */
import { once } from "node:events";
import { createServer as createHttpServer } from "node:http";
import { type AddressInfo, createServer, type Server } from "node:net";
import { Connection } from "./connection/connection.ts";
import { handleManagement } from "./management/handle.ts";
import { Broker } from "./model/broker.ts";

/** Loopback alone: `guest` may do everything. */
const HOST = "127.0.0.1";

export type Listening = { readonly port: number; readonly managementPort: number };

export type ServerOptions = {
  /** 0: any that is free. */
  readonly port: number;
  readonly managementPort: number;
  /** Of messages, beyond which publishers have to wait. */
  readonly maxStoredBytes: number;
};

/** Starts a broker of its own. */
export async function listen(options: ServerOptions): Promise<Listening> {
  const broker = new Broker(options.maxStoredBytes);
  const server = createServer({ noDelay: true }, (socket) => {
    new Connection(broker, socket);
  });
  const management = createHttpServer((request, response) => {
    handleManagement(broker, request, response);
  });
  return {
    port: await listenOn(server, options.port),
    managementPort: await listenOn(management, options.managementPort),
  };
}

async function listenOn(server: Server, port: number): Promise<number> {
  server.listen(port, HOST);
  await once(server, "listening");
  // Later ones (no file left to open) concern one connection that can't be taken.
  server.on("error", () => undefined);
  return (server.address() as AddressInfo).port;
}
