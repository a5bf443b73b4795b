/** A project whose handler writes down what it does: for tests of a runner's life and end. */
import { readFile } from "node:fs/promises";
import type { RunningProcess } from "../support/processes.ts";
import type { Project } from "../support/project.ts";
import { waitFor } from "../support/wait-for.ts";

/** Every message goes to a quorum queue and to a classic one. */
export const topologyOf = (url: string, more = "", heartbeat = "10s") => `version: 1
project: test
broker: { url: "${url}", heartbeat: ${heartbeat} }
http: { port: 0 }
${more}
defaults: { retry: [200ms], deadLetter: dead, concurrency: 5, timeout: 3m }
exchanges:
  jobs: { type: topic }
  dead: { type: topic }
queues:
  work: { bind: { jobs: "#" }, handler: work }
  classic_work: { type: classic, bind: { jobs: "#" }, handler: work }
  dead_letters: { bind: { dead: "#" }, handler: none, deadLetter: none }
`;
export const QUEUES = ["work", "classic_work"];

/**
 * Takes `ms`, 5 unless the message says otherwise, and waits for the file `gate` if it names one;
 * one message in ten fails once.
 */
export const handlers = {
  work: `import { appendFileSync, existsSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { defineHandler } from "warren";
type Job = { readonly id: number; readonly ms?: number; readonly gate?: string };
export default defineHandler<never>(async ({ id, ms = 5, gate }: Job, { attempt, message }) => {
  const run = [message.queue, id, attempt].join(" ");
  appendFileSync("runs.log", "begin " + run + "\\n");
  await setTimeout(ms);
  while (gate !== undefined && !existsSync(gate)) await setTimeout(20);
  if (id % 10 === 9 && attempt === 1) throw new Error("once");
  appendFileSync("runs.log", "end " + run + "\\n");
});
`,
};

/** The lines that the handlers of a project have written: `end work 17 1`. */
export async function linesOf(project: Project): Promise<readonly string[]> {
  const text = await readFile(project.path("runs.log"), "utf8").catch(() => "");
  return text.split("\n").slice(0, -1);
}

/** `http://127.0.0.1:1234`, once it is ready. */
export async function readyUrl(running: RunningProcess): Promise<string> {
  const line = await running.waitForLine(/"msg":"ready"/);
  return (JSON.parse(line) as { url: string }).url;
}

/** How long its stop has taken, by its own clock, in milliseconds. */
export function stopMs({ stdout }: RunningProcess): number {
  const timeOf = (message: string) => {
    const line = stdout.split("\n").find((one) => one.includes(`"msg":"${message}"`)) ?? "{}";
    return (JSON.parse(line) as { time?: number }).time ?? Number.NaN;
  };
  return timeOf("stopped") - timeOf("stopping");
}

/** Publishes over a connection of its own. @returns the status, or null if there was no answer. */
export async function post(url: string, message: object): Promise<number | null> {
  try {
    const response = await fetch(`${url}/publish`, {
      method: "POST",
      headers: { "content-type": "application/json", connection: "close" },
      body: JSON.stringify({ exchange: "jobs", routing_key: "x", message }),
    });
    await response.text();
    return response.status;
  } catch {
    return null;
  }
}

/** Waits until each of these messages has ended well in both queues. */
export async function untilHandled(project: Project, ids: readonly number[]): Promise<void> {
  const wanted = ids.flatMap((id) => QUEUES.map((queue) => `end ${queue} ${id}`));
  await waitFor(
    async (seen) => {
      const lines = new Set((await linesOf(project)).map((line) => line.replace(/ \d+$/, "")));
      return seen(wanted.filter((line) => !lines.has(line))).length === 0;
    },
    { what: "everything to be handled" },
  );
}
