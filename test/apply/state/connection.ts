import type { BrokerConnection } from "../../../src/broker-connection.ts";
import { connectBroker } from "../../../src/connect.ts";

/** A connection of warren's own kind, which the caller closes. */
export async function openConnection(url: string, heartbeatMs = 5_000): Promise<BrokerConnection> {
  return await connectBroker({ addresses: [{ url, shown: url }], heartbeatMs, name: "test" });
}
