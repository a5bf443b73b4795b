import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient } from "@redis/client";
import { findRedis, REDIS_INSTALL_COMMAND } from "./needs-redis.ts";
import { accepts, freePort } from "./ports.ts";
import { waitFor } from "./wait-for.ts";

/** A Redis that belongs to one test, with the faults it can be given. */
export type Redis = {
  readonly url: string;
  readonly port: number;
  /** SIGKILL; its data and its port are kept for `restart`. */
  kill9(): Promise<void>;
  restart(): Promise<void>;
  /** Its answer, as a list of texts. */
  command(...words: readonly string[]): Promise<readonly string[]>;
  /** SIGSTOP: connections stay open, nothing answers. */
  freeze(): void;
  thaw(): void;
};

/** Of a Redis that asks for one. */
export const PASSWORD = "s3cret";

// As for a node of RabbitMQ: it ends with this process, however that ends.
const WATCHDOG = 'cat >/dev/null; kill -9 $(cat "$0"/pid) 2>/dev/null; rm -rf "$0"';

/** @throws {Error} if no redis-server is installed. */
export async function startRedis(): Promise<{ redis: Redis; stop: () => Promise<void> }> {
  const binary = findRedis();
  if (binary === undefined) {
    throw new Error(`no redis-server found; run: ${REDIS_INSTALL_COMMAND}`);
  }
  const folder = await mkdtemp(join(tmpdir(), "warren-redis-"));
  const port = await freePort();
  const watchdog = spawn("/bin/sh", ["-c", WATCHDOG, folder], {
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
  });
  const options = {
    port,
    dir: folder,
    bind: "127.0.0.1",
    pidfile: join(folder, "pid"),
    requirepass: PASSWORD,
    appendonly: "yes",
    // A write is in its file before its answer, and a kill takes nothing of that away.
    appendfsync: "no",
    save: "",
  };
  const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
  let server = spawn(binary, args, { stdio: "ignore" });
  const untilUp = () => waitFor(() => accepts(port), { what: "a redis-server" });
  const end = async () => {
    if (server.exitCode !== null || server.signalCode !== null) return;
    server.kill("SIGKILL");
    await once(server, "exit");
  };
  await untilUp();
  const redis: Redis = {
    url: `redis://:${PASSWORD}@127.0.0.1:${port}`,
    port,
    kill9: end,
    restart: async () => {
      server = spawn(binary, args, { stdio: "ignore" });
      await untilUp();
    },
    command: async (...words) => {
      const client = createClient({ url: redis.url });
      await client.connect();
      const answer = await client.sendCommand([...words]);
      await client.close();
      return [answer].flat().map(String);
    },
    freeze: () => void server.kill("SIGSTOP"),
    thaw: () => void server.kill("SIGCONT"),
  };
  const stop = async () => {
    await end();
    watchdog.stdin.end();
    await once(watchdog, "exit");
  };
  return { redis, stop };
}
