/** A `start` or `dev` of warren that is reloaded, seen by HTTP and by its log. */
import type { CommandOptions, RunningProcess } from "../support/processes.ts";
import type { Project } from "../support/project.ts";
import { waitFor } from "../support/wait-for.ts";

export type Health = {
  readonly status: string;
  readonly summary: string;
  readonly queues: Readonly<Record<string, { readonly consumer: string }>>;
  readonly reload: {
    readonly generation: number;
    readonly at: string;
    readonly problems: readonly {
      readonly code: string;
      readonly message: string;
      readonly at: { readonly file: string; readonly line: number; readonly column: number };
    }[];
  };
};

export type Running = {
  readonly process: RunningProcess;
  /** @returns the status of the answer. */
  publish(path: string, body: object): Promise<number>;
  /** Publishes to the queue with this key, and waits for what its handler says its version is. */
  version(key?: string): Promise<string>;
  health(): Promise<Health>;
  /** Waits until this generation runs, without problems. */
  generation(wanted: number): Promise<void>;
  /** Waits for an edit that is not taken; the problem, as the log and /health show it. */
  problem(pattern: RegExp): Promise<string>;
  /** The lines of the log with this message. */
  lines(message: string): readonly Readonly<Record<string, unknown>>[];
  /** @returns the exit status. */
  stop(): Promise<number | string>;
};

type StartCli = (
  project: Project,
  args: readonly string[],
  options?: Pick<CommandOptions, "env">,
) => RunningProcess;

/** Starts a command, and waits until it is ready. */
export async function run(
  startCli: StartCli,
  project: Project,
  args: readonly string[] = ["start"],
  env: CommandOptions["env"] = {},
): Promise<Running> {
  const process = startCli(project, args, { env });
  const { url } = JSON.parse(await process.waitForLine(/"msg":"ready"/)) as { url: string };
  const publish = async (path: string, body: object) => {
    const response = await fetch(`${url}${path}`, {
      method: "POST",
      headers: { "content-type": "application/json", connection: "close" },
      body: JSON.stringify(body),
    });
    await response.text();
    return response.status;
  };
  const health = async () => {
    const response = await fetch(`${url}/health`, { headers: { connection: "close" } });
    return (await response.json()) as Health;
  };
  let sent = 0;
  return {
    process,
    publish,
    health,
    async version(key = "a") {
      sent += 1;
      const body = { exchange: "free", routing_key: key, message: { sent } };
      const status = await publish("/publish", body);
      if (status !== 202) throw new Error(`publish answered ${status}`);
      const line = await process.waitForLine(new RegExp(`"event":\\{"sent":${sent}\\}`));
      return String((JSON.parse(line) as { v: unknown }).v);
    },
    async generation(wanted) {
      await waitFor(
        async (seen) => {
          const { generation, problems } = seen((await health()).reload);
          return generation === wanted && problems.length === 0;
        },
        { what: `generation ${wanted}` },
      );
    },
    async problem(pattern) {
      const found = await waitFor(
        async (seen) => {
          const [problem] = seen(await health()).reload.problems;
          return problem && pattern.test(problem.message) && problem;
        },
        { what: `a problem like ${pattern}` },
      );
      const { code, message, at } = found;
      return `${at.file}:${at.line}:${at.column} ${code}  ${message}`;
    },
    lines: (message) =>
      process.stdout
        .split("\n")
        .filter((line) => line.includes(`"msg":"${message}"`))
        .map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>),
    async stop() {
      process.kill();
      return await process.exit;
    },
  };
}

/** A topology with a queue for each handler, bound by its name, and one for the events `job.*`. */
export function topologyOf(url: string, queues: readonly string[] = ["a"], more = ""): string {
  const lines = queues.map((name) => `  ${name}: { bind: { free: ${name} }, handler: ${name} }\n`);
  return `version: 1
project: reload
broker: { url: "${url}" }
http: { port: 0 }
defaults: { deadLetter: dead, retry: none }
exchanges:
  free: { type: topic }
  jobs: { type: topic, events: ["job.*"] }
  dead: { type: topic }
queues:
  dead_letters: { bind: { dead: "#" }, handler: none, deadLetter: none }
  job: { bind: { jobs: "#" }, handler: job }
${lines.join("")}${more}`;
}

/** A handler that says its version and its event. */
export function handlerOf(version: string, head = ""): string {
  return `import { defineHandler } from "warren";
${head}
export default defineHandler<never>((event, { log }) => log.info({ event, v: ${version} }, "handled"));
`;
}

/** Events of which `field` is required. */
export function eventsOf(field: string): Readonly<Record<string, object>> {
  return { "job.done": { type: "object", required: [field] } };
}
