import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { chmod, mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { freePort } from "./ports.ts";

/** What a private node is made of; also written to `node.json` in its folder. */
export type NodeFolder = {
  readonly folder: string;
  readonly bin: string;
  readonly amqpPort: number;
  readonly epmdPort: number;
  readonly amqpUrl: string;
  readonly managementUrl: string;
  readonly env: Readonly<Record<string, string>>;
};

export const INSTALL_COMMAND = "apt-get update && apt-get install -y rabbitmq-server";

/**
 * The folder of the installed RabbitMQ's own scripts. Debian's wrappers in /usr/sbin are of no use:
 * they change the user, or refuse.
 */
export function findRabbitmq(): string | undefined {
  const { WARREN_RABBITMQ_BIN: chosen, RABBITMQ_HOME: home } = process.env;
  if (chosen !== undefined) return chosen;
  const folders = [
    ...(home === undefined ? [] : [join(home, "sbin"), join(home, "bin"), home]),
    "/usr/lib/rabbitmq/bin",
    "/opt/rabbitmq/sbin",
    "/opt/homebrew/opt/rabbitmq/sbin",
  ];
  return folders.find((folder) => existsSync(join(folder, "rabbitmq-server")));
}

/** Makes a node's folder: ports, cookie, configuration, and the environment that points to them. */
export async function writeNodeFolder(
  bin: string,
  options: {
    readonly extraConf?: string;
    readonly plugins?: readonly string[];
    readonly name?: string;
    readonly env?: Readonly<Record<string, string>>;
  },
): Promise<NodeFolder> {
  const folder = await mkdtemp(join(tmpdir(), "warren-rabbitmq-"));
  const [amqpPort, managementPort, distPort, epmdPort] = await Promise.all([
    freePort(),
    freePort(),
    freePort(),
    freePort(),
  ]);
  const node: NodeFolder = {
    folder,
    bin,
    amqpPort,
    epmdPort,
    amqpUrl: `amqp://guest:guest@127.0.0.1:${amqpPort}`,
    managementUrl: `http://guest:guest@127.0.0.1:${managementPort}`,
    env: {
      ...environment(folder, options.name ?? "warren-test", { amqpPort, distPort, epmdPort }),
      ...options.env,
    },
  };
  await writeFiles(node, managementPort, options.plugins ?? ["rabbitmq_management"], [
    options.extraConf ?? "",
  ]);
  return node;
}

async function writeFiles(
  node: NodeFolder,
  managementPort: number,
  plugins: readonly string[],
  extraConf: readonly string[],
): Promise<void> {
  const { folder } = node;
  const management = plugins.includes("rabbitmq_management")
    ? ["management.tcp.ip = 127.0.0.1", `management.tcp.port = ${managementPort}`]
    : [];
  const conf = [
    ...management,
    "log.console = false",
    "collect_statistics_interval = 500",
    ...extraConf,
  ];
  const cookie = join(folder, "home", ".erlang.cookie");
  await Promise.all(
    ["mnesia", "log", "home", "conf.d"].map((name) => mkdir(join(folder, name), { mode: 0o700 })),
  );
  await Promise.all([
    writeFile(join(folder, "node.json"), JSON.stringify(node)),
    writeFile(join(folder, "rabbitmq.conf"), `${conf.join("\n")}\n`),
    writeFile(join(folder, "advanced.config"), "[{rabbit, [{quorum_tick_interval, 500}]}].\n"),
    writeFile(join(folder, "rabbitmq-env.conf"), ""),
    writeFile(join(folder, "enabled_plugins"), `[${plugins.join(",")}].\n`),
    writeFile(cookie, randomBytes(15).toString("hex")).then(() => chmod(cookie, 0o400)),
  ]);
}

function environment(
  folder: string,
  name: string,
  ports: { readonly amqpPort: number; readonly distPort: number; readonly epmdPort: number },
): Record<string, string> {
  return {
    ...inherited(),
    HOME: join(folder, "home"),
    // Not where the tests are started.
    ERL_CRASH_DUMP: join(folder, "erl_crash.dump"),
    ERL_EPMD_PORT: String(ports.epmdPort),
    ERL_EPMD_ADDRESS: "127.0.0.1",
    RABBITMQ_NODENAME: `${name}@localhost`,
    RABBITMQ_NODE_IP_ADDRESS: "127.0.0.1",
    RABBITMQ_NODE_PORT: String(ports.amqpPort),
    RABBITMQ_DIST_PORT: String(ports.distPort),
    RABBITMQ_MNESIA_BASE: join(folder, "mnesia"),
    RABBITMQ_LOG_BASE: join(folder, "log"),
    RABBITMQ_GENERATED_CONFIG_DIR: join(folder, "generated"),
    RABBITMQ_PID_FILE: join(folder, "rabbitmq-pid"),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, "enabled_plugins"),
    RABBITMQ_CONFIG_FILE: join(folder, "rabbitmq.conf"),
    // The next three exist so that nothing below /etc/rabbitmq is read.
    RABBITMQ_CONFIG_FILES: join(folder, "conf.d"),
    RABBITMQ_ADVANCED_CONFIG_FILE: join(folder, "advanced.config"),
    RABBITMQ_CONF_ENV_FILE: join(folder, "rabbitmq-env.conf"),
    // The script then execs Erlang: one process, and the pid we spawned is the node's.
    RABBITMQ_ALLOW_INPUT: "1",
    RABBITMQ_SERVER_START_ARGS: "-noinput",
    // No busy waiting: a test machine has few cores.
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS:
      "-kernel inet_dist_use_interface {127,0,0,1} +sbwt none +sbwtdcpu none +sbwtdio none",
  };
}

function inherited(): Record<string, string> {
  const env: Record<string, string> = {};
  for (const [name, value] of Object.entries(process.env)) {
    if (value !== undefined && !/^(RABBITMQ|ERL)_/.test(name)) env[name] = value;
  }
  env.PATH = [env.PATH ?? "", "/usr/lib/erlang/bin", "/opt/erlang/bin"].join(delimiter);
  return env;
}
