#!/usr/bin/env node
/**
 * argv and environment → one command → an exit status. Nothing else reads `process`. What takes time
 * to load is loaded by the command that needs it, once signals are heard.
 */
import { existsSync } from "node:fs";
import { hostname, userInfo } from "node:os";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { Argument, Command, CommanderError, InvalidArgumentError, Option } from "commander";
import type { Permissions } from "./apply/planned.ts";
import type { BrokerOptions } from "./commands/broker.ts";
import type { Context } from "./commands/command.ts";
import type { ExportForm } from "./commands/export.ts";
import type { ImportOptions } from "./commands/import.ts";
import type { PlanOptions } from "./commands/plan.ts";
import type { RoleOptions } from "./commands/role.ts";
import type { SchemasDiffOptions } from "./commands/schemas-diff.ts";
import type { StartOptions } from "./commands/start.ts";
import { EXIT, errorTable, formatPlace, messageOf, quoted, WarrenError } from "./errors.ts";
import { parseQuantity } from "./loader/units.ts";
import { NUMBERS } from "./numbers.ts";

type GlobalOptions = { readonly file: string; readonly handlers?: string };
type OutputOptions = { readonly json?: boolean };
type LockOptions = { readonly lockTimeout: number };
type PermissionOptions = Partial<Permissions>;
type ApplyOptions = PermissionOptions & LockOptions & { readonly dryRun?: boolean };
type DestroyOptions = LockOptions & { readonly queue: readonly string[] };
type HeaderOptions = { readonly headers: readonly string[] };
type CommandFunction = (context: Context) => Promise<number>;

const EXPORTS: readonly ExportForm[] = ["definitions", "mermaid", "openapi", "asyncapi"];

/** pino's. */
const LOG_LEVELS = ["trace", "debug", "info", "warn", "error", "fatal", "silent"];

const LOCK_TIMEOUT = NUMBERS.lockTimeoutMs;

const stopped = stopSignal();

const program = new Command("warren")
  .description("Declarative RabbitMQ from one file.")
  .option("-f, --file <path>", "the topology", "topology.yaml")
  .option("--handlers <directory>", "where the handler modules are (default: src/handlers)")
  .exitOverride();

program
  .command("start")
  .description("apply additive changes, consume, serve HTTP")
  .option("--no-apply", "declare nothing: everything has to be on the broker")
  .addOption(onlyOption())
  .addOption(queuesOption())
  .action(({ apply, ...role }: RoleOptions & { readonly apply: boolean }) =>
    runStart({ isDev: false, isPassive: !apply, ...role }),
  );
program
  .command("dev")
  .description("start, and take every valid edit of topology.yaml as well, while it runs")
  .addOption(onlyOption())
  .addOption(queuesOption())
  .action((role: RoleOptions) => runStart({ isDev: true, ...role }));
program
  .command("check")
  .description("every problem in topology.yaml, schemas and handlers, without a broker")
  .option("--json", "one JSON document")
  .action((options: OutputOptions) =>
    runToEnd(async (context) => {
      const { check } = await import("./commands/check.ts");
      return await check(context);
    }, options),
  );
program
  .command("plan")
  .description("in what the broker differs from the file, and what apply would do about it")
  .option("--prune", "as if what the file no longer has might be removed")
  .option("--allow-replace", "as if queues whose arguments differ might be replaced")
  .option("--adopt", "as if what somebody else made might be taken over")
  .option("--json", "one JSON document")
  .option("--out <file>", "write that document to a file, for `apply FILE`")
  .action((options: PlanOptions & OutputOptions) =>
    runToEnd(async (context) => {
      const { plan } = await import("./commands/plan.ts");
      return await plan(context, options);
    }, options),
  );
program
  .command("apply")
  .description("bring the broker up to the file: add, and unbind what warren bound before")
  .argument("[plan]", "what `plan --out` has written: exactly that, or nothing")
  .option("--prune", "remove as well what warren made and the file no longer has")
  .option("--allow-replace", "replace queues that differ, without losing a message")
  .option("--adopt", "take over what somebody else made, where the file declares it")
  .option("--dry-run", "only say what would be done, as plan does")
  .option(
    "--lock-timeout <duration>",
    "how long to wait for another apply",
    durationOf,
    LOCK_TIMEOUT,
  )
  .option("--json", "one JSON document")
  .action((planFile: string | undefined, options: ApplyOptions & OutputOptions) => {
    if (options.dryRun && planFile !== undefined) {
      program.error("error: --dry-run needs no plan: a plan says already what would be done");
    }
    return run(async (context) => {
      if (options.dryRun) {
        const { plan } = await import("./commands/plan.ts");
        return await plan(context, permissionsOf(options));
      }
      const { apply } = await import("./commands/apply.ts");
      const { lockTimeout: lockTimeoutMs } = options;
      return await apply(context, stopped, {
        planFile,
        permissions: permissionsOf(options),
        lockTimeoutMs,
      });
    }, options);
  });
program
  .command("destroy")
  .description("remove from the broker what warren made; queues with messages or consumers stay")
  .option("--queue <name>", "goes with what is in it; may be repeated", listOf, [])
  .option(
    "--lock-timeout <duration>",
    "how long to wait for another apply",
    durationOf,
    LOCK_TIMEOUT,
  )
  .option("--json", "one JSON document")
  .action((options: DestroyOptions & OutputOptions) =>
    run(async (context) => {
      const { destroy } = await import("./commands/destroy.ts");
      const { queue: queues, lockTimeout: lockTimeoutMs } = options;
      return await destroy(context, stopped, { queues, lockTimeoutMs });
    }, options),
  );
program
  .command("explain")
  .description("what a queue is: its arguments, events, retries and dead letters, without a broker")
  .argument("<queue>")
  .option("--json", "one JSON document")
  .action((queue: string, options: OutputOptions) =>
    runToEnd(async (context) => {
      const { explain } = await import("./commands/explain.ts");
      return await explain(context, queue);
    }, options),
  );
program
  .command("route")
  .description("the path of a message: exchanges, bindings, queues, handlers, without a broker")
  .argument("<exchange>")
  .argument("<key>", 'the routing key; "" for none')
  .option("--headers <json or name=value>", "of the message; may be repeated", listOf, [])
  .option("--json", "one JSON document")
  .action((exchange: string, key: string, options: HeaderOptions & OutputOptions) =>
    runToEnd(async (context) => {
      const { route } = await import("./commands/route.ts");
      return await route(context, { exchange, key, headers: options.headers });
    }, options),
  );
program
  .command("import")
  .description("topology.yaml of what a broker has, or of its exported definitions")
  .option("--from <file>", "definitions.json, as a broker exports it")
  .option("--management <url>", "of a management API (default: broker.management of the file)")
  .option("--vhost <name>", "which one, where there are several")
  .option("--project <name>", "of the file that is written (default: after the vhost)")
  .option("--out <file>", "write it there; else it is printed")
  .option("--force", "overwrite the file that is there")
  .action((options: ImportOptions) =>
    runToEnd(async (context) => {
      const { importTopology } = await import("./commands/import.ts");
      return await importTopology(context, options);
    }),
  );
program
  .command("export")
  .description("the topology in another form, printed, without a broker")
  .addArgument(
    new Argument(
      "<form>",
      "definitions.json, a Mermaid flowchart, or a document of HTTP or of the messages",
    ).choices(EXPORTS),
  )
  .action((form: ExportForm) =>
    runToEnd(async (context) => {
      const { exportTopology } = await import("./commands/export.ts");
      return await exportTopology(context, form);
    }),
  );
program
  .command("broker")
  .description("the embedded broker alone, in memory, for any client of AMQP 0-9-1")
  .option("--port <port>", "of AMQP; 0: any", portOf, 5672)
  .option("--management-port <port>", "of the management interface; 0: any", portOf, 15672)
  .option("--json", "one JSON document")
  .action((options: BrokerOptions & OutputOptions) =>
    run(async (context) => {
      const { broker } = await import("./commands/broker.ts");
      return await broker(context, stopped, options);
    }, options),
  );
program
  .command("generate")
  .description("TypeScript types of events, queues and exchanges, into src/generated")
  .option("--check", "write nothing; exit 2 if they are not current")
  .action((options: { readonly check?: boolean }) =>
    runToEnd(async (context) => {
      const { generate } = await import("./commands/generate.ts");
      const directory = join(dirname(context.file), "src", "generated");
      return await generate(context, { directory, isCheck: options.check ?? false });
    }),
  );
program
  .command("schemas")
  .description("the JSON Schemas of events and replies")
  .command("diff")
  .description("what changed in the schemas, and whom of those that run already it breaks")
  .option("--against <ref or folder>", "a commit, branch or tag, or a folder", "HEAD")
  .option("--json", "one JSON document")
  .action((options: SchemasDiffOptions & OutputOptions) =>
    runToEnd(async (context) => {
      const { schemasDiff } = await import("./commands/schemas-diff.ts");
      return await schemasDiff(context, options);
    }, options),
  );

/** Of an option that may be repeated. */
function listOf(text: string, before: readonly string[]): readonly string[] {
  return [...before, text];
}

/** @throws {InvalidArgumentError} */
function durationOf(text: string): number {
  const parsed = parseQuantity("duration", text);
  if (parsed.ok) return parsed.value;
  throw new InvalidArgumentError(parsed.message);
}

function permissionsOf(options: PermissionOptions): Permissions {
  const { prune = false, allowReplace = false, adopt = false } = options;
  return { prune, allowReplace, adopt };
}

/** @throws {InvalidArgumentError} */
function portOf(text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= 65_535) return port;
  throw new InvalidArgumentError("a port is a number from 0 to 65535.");
}

function onlyOption(): Option {
  const meaning = "a part of it: serve HTTP and consume nothing, or the other way round";
  return new Option("--only <part>", meaning).choices(["http", "consumers"]);
}

function queuesOption(): Option {
  const meaning = "consume these alone, separated by commas; may be repeated";
  return new Option("--queues <names>", meaning).argParser<readonly string[]>(
    (text, before = []) => [...before, ...text.split(",").filter(Boolean)],
  );
}

function runStart(options: StartOptions): Promise<void> {
  if (options.only === "http" && options.queues !== undefined) {
    program.error("error: --only http consumes nothing: --queues means nothing with it");
  }
  return run(async (context) => {
    const { start } = await import("./commands/start.ts");
    return await start(context, stopped, options);
  });
}

/** Runs a command that a signal just ends. */
function runToEnd(command: CommandFunction, output: OutputOptions = {}): Promise<void> {
  const interrupted = stopped.then(() => EXIT.failed);
  return run((context) => Promise.race([command(context), interrupted]), output);
}

/** Runs a command; its number is the exit status, whatever still hangs about. */
async function run(command: CommandFunction, output: OutputOptions = {}): Promise<void> {
  try {
    process.exitCode = await command(await createContext(output));
  } catch (error) {
    process.exitCode = reportFailure(error);
  }
  // Flushed writes first: a pipe may still hold the last lines.
  process.stdout.write("", () => process.exit());
}

/** A user's error with its remedy, a bug with its stack. @returns the exit status. */
function reportFailure(error: unknown): number {
  if (!(error instanceof WarrenError)) return reportBug(error);
  const place = error.at ? `${formatPlace(error.at)} ` : "";
  console.error(`${place}${error.code}  ${error.message}`);
  const { exit, remedy } = errorTable[error.code];
  console.error(remedy);
  return exit;
}

function reportBug(error: unknown): number {
  console.error(error instanceof Error ? (error.stack ?? error.message) : String(error));
  console.error("this is a bug in warren");
  return EXIT.bug;
}

async function createContext(output: OutputOptions): Promise<Context> {
  const { file, handlers } = program.opts<GlobalOptions>();
  const directory = dirname(file);
  loadDotEnv(join(directory, ".env"));
  return {
    file,
    handlersDirectory: handlers ?? defaultHandlers(directory),
    env: process.env,
    isJson: output.json ?? false,
    terminal: process.stderr.isTTY ? process.stderr : null,
    by: `${userName()}@${hostname()}`,
    isTerminal: process.stdout.isTTY === true,
    print: (text) => console.log(text),
    printError: (text) => console.error(text),
    log: await createLog(),
  };
}

/** A user of a container may have no name. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.() ?? "somebody");
  }
}

/** The compiled runner of a project runs the project's compiled handlers. */
function defaultHandlers(directory: string): string {
  const source = join(directory, "src", "handlers");
  const compiled = join(directory, "dist", "handlers");
  return isInDist(directory) || !existsSync(source) ? compiled : source;
}

function isInDist(directory: string): boolean {
  const here = relative(join(directory, "dist"), fileURLToPath(import.meta.url));
  return !here.startsWith("..");
}

function loadDotEnv(path: string): void {
  if (!existsSync(path)) return;
  try {
    process.loadEnvFile(path);
  } catch (cause) {
    const message = `${path} can't be read: ${messageOf(cause)}`;
    throw new WarrenError("bad-environment", message, { cause });
  }
}

/** Empty is as good as unset. */
function readLogLevel(): string {
  const level = process.env.LOG_LEVEL || "info";
  if (LOG_LEVELS.includes(level)) return level;
  const message = `LOG_LEVEL must be one of ${LOG_LEVELS.join(", ")}, found ${quoted(level)}`;
  throw new WarrenError("bad-environment", message);
}

async function createLog(): Promise<Context["log"]> {
  const level = readLogLevel();
  const { pino } = await import("pino");
  const log: Context["log"] = process.stdout.isTTY
    ? pino({ level, transport: { target: "pino-pretty", options: { ignore: "pid,hostname" } } })
    : pino({ level, base: null });
  return log;
}

/**
 * The first signal asks for an orderly end; the second ends at once. Process 1 of a container is
 * sent no signal that it does not listen for: one that came too early would be lost.
 */
function stopSignal(): Promise<string> {
  return new Promise((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) {
      process.once(signal, () => {
        resolve(signal);
        for (const again of ["SIGTERM", "SIGINT"] as const) {
          process.on(again, () => process.exit(EXIT.failed));
        }
      });
    }
  });
}

/** What nobody reads any more ends nothing: a handler may print as well. */
for (const stream of [process.stdout, process.stderr]) stream.on("error", () => undefined);

/** Nobody waited for it, a rejection as well: handlers' own stay on their threads, this is warren's. */
process.on("uncaughtException", (error) => process.exit(reportBug(error)));

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  process.exitCode = error.exitCode === 0 ? EXIT.done : EXIT.failed;
}
