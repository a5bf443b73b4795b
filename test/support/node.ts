import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { openSync } from "node:fs";
import { open, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import amqplib from "amqplib";
import { findRabbitmq, INSTALL_COMMAND, type NodeFolder, writeNodeFolder } from "./node-folder.ts";
import { accepts } from "./ports.ts";
import { waitFor } from "./wait-for.ts";

/** A RabbitMQ node that belongs to one test or one run, with the faults it can be given. */
export type RabbitNode = {
  readonly amqpUrl: string;
  readonly managementUrl: string;
  readonly folder: string;
  readonly pid: number;
  readonly version: string;
  /** Runs rabbitmqctl against this node; takes about 1.5 s. Resolves to its output. */
  ctl(...args: readonly string[]): Promise<string>;
  /**
   * SIGKILL, as a power cut would; data and ports are kept for `restart`. Waits until the node is
   * old enough to remember what was declared.
   */
  kill9(): Promise<void>;
  /** Starts it again, with its data and ports; kills it first if it still runs. */
  restart(): Promise<void>;
  /** SIGSTOP: connections stay open, nothing answers. */
  freeze(): void;
  thaw(): void;
  /** From now on no file can grow (ENOSPC); of a node with a disk of its own alone. */
  fillDisk(): Promise<void>;
  emptyDisk(): Promise<void>;
  /** Ends the node and its epmd, and removes its folder. */
  stop(): Promise<void>;
};

export type NodeOptions = {
  /** Text appended to rabbitmq.conf. */
  readonly extraConf?: string;
  /** Enabled plugins; default: rabbitmq_management alone. */
  readonly plugins?: readonly string[];
  /** The part of the node's name before @localhost. */
  readonly name?: string;
  /** Of a disk of its own for what it keeps, in memory; Linux, and root alone. */
  readonly diskMiB?: number;
};

// Waits for the end of its standard input, that is of the process that started it, however that
// ends; then kills what the folder names and removes the folder. The children are detached, so
// nobody else would.
const WATCHDOG = `
  cat >/dev/null
  kill -9 $(cat "$0"/*.pid) 2>/dev/null
  umount -l "$0"/mnesia 2>/dev/null
  for attempt in 1 2 3 4 5 6 7 8 9 10; do rm -rf "$0" 2>/dev/null && exit; sleep 0.1; done`;

/**
 * Starts a private RabbitMQ node in a temporary folder, on free ports of 127.0.0.1, reading
 * nothing from /etc. It ends with `stop` or with this process, whichever is first.
 *
 * @throws {Error} if no rabbitmq-server is installed, or the node is not ready within two minutes.
 */
export async function startNode(options: NodeOptions = {}): Promise<RabbitNode> {
  const bin = findRabbitmq();
  if (bin === undefined) throw new Error(`no rabbitmq-server found; run: ${INSTALL_COMMAND}`);
  const node = await writeNodeFolder(bin, options);
  const watchdog = spawn("/bin/sh", ["-c", WATCHDOG, node.folder], {
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
  });
  watchdog.unref();
  const stop = async () => {
    watchdog.stdin.end();
    await exitOf(watchdog);
  };
  try {
    if (options.diskMiB !== undefined) await mountDisk(node, options.diskMiB);
    await startEpmd(node);
    return control(node, await launch(node), stop);
  } catch (error) {
    await stop();
    throw error;
  }
}

async function mountDisk({ folder }: NodeFolder, sizeMiB: number): Promise<void> {
  const options = `size=${sizeMiB}m,mode=700`;
  await promisify(execFile)("mount", [
    "-t",
    "tmpfs",
    "-o",
    options,
    "tmpfs",
    join(folder, "mnesia"),
  ]);
}

function fillerOf({ folder }: NodeFolder): string {
  return join(folder, "mnesia", "filler");
}

/** Writes until nothing more is taken. */
async function fill(path: string): Promise<void> {
  const file = await open(path, "wx");
  try {
    for (let bytes = 1024 * 1024; bytes >= 1; ) {
      const isWritten = await file.write(Buffer.alloc(bytes)).then(
        ({ bytesWritten }) => bytesWritten === bytes,
        () => false,
      );
      if (!isWritten) bytes = Math.floor(bytes / 2);
    }
  } finally {
    await file.close();
  }
}

/** Runs rabbitmqctl against the node that lives in this folder, from any process. */
export async function rabbitmqctl(folder: string, ...args: readonly string[]): Promise<string> {
  const { bin, env } = JSON.parse(await readFile(join(folder, "node.json"), "utf8")) as NodeFolder;
  const { stdout } = await promisify(execFile)(join(bin, "rabbitmqctl"), args, { env });
  return stdout.trim();
}

// Killed 0.5 to 1.8 s after its first boot, a node can forget all that was declared (7 of 22 tries
// on 4.0, seen on 3.10), later never (0 of 38).
const FORGETFUL_MS = 4_000;

type Running = { readonly process: ChildProcess; readonly pid: number; readonly version: string };

function control(node: NodeFolder, first: Running, stop: () => Promise<void>): RabbitNode {
  let running = first;
  const bornAt = performance.now();
  const kill9 = async () => {
    await delay(Math.max(0, bornAt + FORGETFUL_MS - performance.now()));
    await rm(join(node.folder, "node.pid"), { force: true });
    running.process.kill("SIGKILL");
    await exitOf(running.process);
  };
  return {
    amqpUrl: node.amqpUrl,
    managementUrl: node.managementUrl,
    folder: node.folder,
    version: running.version,
    get pid() {
      return running.pid;
    },
    ctl: (...args) => rabbitmqctl(node.folder, ...args),
    kill9,
    async restart() {
      await kill9();
      running = await launch(node);
    },
    fillDisk: () => fill(fillerOf(node)),
    emptyDisk: () => rm(fillerOf(node)),
    freeze: () => void running.process.kill("SIGSTOP"),
    thaw: () => void running.process.kill("SIGCONT"),
    async stop() {
      await stop();
      await exitOf(running.process);
    },
  };
}

// Our own epmd in the foreground, so that its pid is known: otherwise the node, and every
// rabbitmqctl, would leave a daemon behind.
async function startEpmd(node: NodeFolder): Promise<void> {
  const epmd = await spawnIn(node, "epmd", [
    "-port",
    String(node.epmdPort),
    "-address",
    "127.0.0.1",
  ]);
  await whileRunning(node, epmd, "epmd to accept", () => accepts(node.epmdPort));
}

async function launch(node: NodeFolder): Promise<Running> {
  const server = await spawnIn(node, "node", [], join(node.bin, "rabbitmq-server"));
  await whileRunning(node, server, "the AMQP port to accept", () => accepts(node.amqpPort));
  const version = await whileRunning(node, server, "an AMQP handshake", () => shake(node.amqpUrl));
  return { process: server, pid: pidOf(server), version };
}

/** Opens and closes an AMQP connection. @returns the server's version. */
async function shake(url: string): Promise<string> {
  const model = await amqplib.connect(url, { timeout: 10_000, noDelay: true });
  const { version } = model.connection.serverProperties;
  await model.close();
  return version;
}

/** Polls `condition`, but gives up at once, with the log's end, if the process ends. */
async function whileRunning<T>(
  { folder }: NodeFolder,
  child: ChildProcess,
  what: string,
  condition: () => Promise<T | false>,
): Promise<T> {
  const seen = await waitFor(
    async () => {
      if (hasEnded(child)) return { ended: true } as const;
      const value = await condition();
      return value && ({ ended: false, value } as const);
    },
    { timeoutMs: 120_000, everyMs: 50, what },
  );
  if (!seen.ended) return seen.value;
  const log = await readFile(join(folder, "output.log"), "utf8");
  throw new Error(`${child.spawnfile} ended with ${child.exitCode ?? child.signalCode}:\n${log}`);
}

async function spawnIn(
  { folder, env }: NodeFolder,
  name: string,
  args: readonly string[],
  command = name,
): Promise<ChildProcess> {
  const log = openSync(join(folder, "output.log"), "a");
  const child = spawn(command, args, {
    cwd: folder,
    env,
    detached: true,
    stdio: ["ignore", log, log],
  });
  await once(child, "spawn");
  child.unref();
  await writeFile(join(folder, `${name}.pid`), `${pidOf(child)}\n`);
  return child;
}

function pidOf(child: ChildProcess): number {
  if (child.pid === undefined) throw new Error(`${child.spawnfile} did not start`);
  return child.pid;
}

async function exitOf(child: ChildProcess): Promise<void> {
  if (hasEnded(child)) return;
  child.ref();
  await once(child, "exit");
}

const hasEnded = (child: ChildProcess) => child.exitCode !== null || child.signalCode !== null;
