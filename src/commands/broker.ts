import { type EmbeddedBroker, startEmbeddedBroker } from "../embedded/start.ts";
import { EXIT, WarrenError } from "../errors.ts";
import type { Context } from "./command.ts";

export type BrokerOptions = { readonly port: number; readonly managementPort: number };

/** Runs the embedded broker alone, for any client of AMQP 0-9-1, until `stopped` resolves. */
export async function broker(
  { print, isJson }: Context,
  stopped: Promise<string>,
  options: BrokerOptions,
): Promise<number> {
  const running = await startOrExplain(options);
  const { url, managementUrl } = running;
  print(
    isJson
      ? JSON.stringify({ url, managementUrl })
      : `AMQP 0-9-1 on ${url}, management on ${managementUrl}; nothing is kept`,
  );
  const ended = running.ended.then(() => EXIT.bug);
  const status = await Promise.race([stopped.then(() => EXIT.done), ended]);
  await running.stop();
  return status;
}

async function startOrExplain(options: BrokerOptions): Promise<EmbeddedBroker> {
  try {
    return await startEmbeddedBroker(options);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EADDRINUSE") throw error;
    const { port, managementPort } = options;
    const text = `127.0.0.1:${port} or 127.0.0.1:${managementPort} is taken by another program`;
    throw new WarrenError("broker-port-in-use", text, { cause: error });
  }
}
