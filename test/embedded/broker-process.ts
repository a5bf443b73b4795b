/** The embedded broker in a process of its own, whose memory and handles can be counted. */
import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { MAX_STORED_BYTES } from "../../src/embedded/model/memory.ts";
import type { Listening, ServerOptions } from "../../src/embedded/server.ts";

/** After a garbage collection. */
export type Measured = {
  /** By objects and buffers. */
  readonly usedBytes: number;
  /** The most that the process ever had of the machine's memory. */
  readonly peakBytes: number;
  readonly sockets: number;
  readonly timers: number;
};

export type BrokerProcess = {
  readonly url: string;
  readonly managementUrl: string;
  readonly port: number;
  readonly isRunning: boolean;
  measure(): Promise<Measured>;
  stop(): Promise<void>;
};

/** Who starts it has to stop it; it ends with this process in any case. */
export async function startBrokerProcess(
  changes: Partial<ServerOptions> = {},
): Promise<BrokerProcess> {
  const options = { port: 0, managementPort: 0, maxStoredBytes: MAX_STORED_BYTES, ...changes };
  const served = fileURLToPath(new URL("./served.ts", import.meta.url));
  const child = fork(served, [JSON.stringify(options)], {
    execArgv: ["--expose-gc", "--conditions=warren-source", "--import", "tsx"],
  });
  const exit = once(child, "exit");
  const [message] = await once(child, "message");
  const { port, managementPort } = message as Listening;
  return {
    url: `amqp://guest:guest@127.0.0.1:${port}`,
    managementUrl: `http://guest:guest@127.0.0.1:${managementPort}`,
    port,
    get isRunning() {
      return child.exitCode === null && child.signalCode === null;
    },
    async measure() {
      const answer = once(child, "message");
      child.send("measure");
      const [measured] = await answer;
      return measured as Measured;
    },
    async stop() {
      child.kill("SIGKILL");
      await exit;
    },
  };
}
