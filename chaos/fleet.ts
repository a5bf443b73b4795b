/** The runner processes, and a supervisor that starts one again when it ended by itself. */
import { setTimeout as sleep } from "node:timers/promises";
import type { RunningProcess } from "../test/support/processes.ts";
import { type Project, startWarren } from "../test/support/project.ts";
import { waitFor } from "../test/support/wait-for.ts";
import { now } from "./clock.ts";
import { type Sample, sampleOf } from "./samples.ts";

export type Command = "start" | "dev";

/** One process, ready or not. */
export type Member = {
  readonly process: RunningProcess;
  readonly command: Command;
  /** Where it serves HTTP, once it is ready. */
  readonly url: string;
  /** Ended on purpose: nobody starts another one in its place. */
  isExpected: boolean;
};

export type FleetOptions = {
  readonly project: Project;
  readonly brokerUrl: string;
  /** Of a runner that is not told otherwise. */
  readonly command: Command;
  readonly note: (text: string) => void;
};

const READY_TIMEOUT_MS = 60_000;
const AGAIN_MS = 500;
const HEALTH_TIMEOUT_MS = 10_000;
/** Longer than the drain time. */
const END_TIMEOUT_MS = 40_000;

export class Fleet {
  readonly #options: FleetOptions;
  #members: Member[] = [];
  /** Ends that nobody asked for, after the process was ready; processes that did not end. */
  readonly troubles: string[] = [];
  /** `SIGTERM 0` → how often. */
  readonly exits: Record<string, number> = {};
  readonly samples: Sample[] = [];
  readonly #started: RunningProcess[] = [];
  #isOver = false;

  /** However this process ends, but for SIGKILL: nobody else would end them. */
  readonly #endAll = () => {
    for (const running of this.#started) if (running.isRunning) running.kill("SIGKILL");
  };

  constructor(options: FleetOptions) {
    this.#options = options;
    process.once("exit", this.#endAll);
  }

  get urls(): readonly string[] {
    return this.#members.map(({ url }) => url);
  }

  /** The oldest that is ready, as soon as there is one. */
  async any(): Promise<Member> {
    return await waitFor(() => this.#members[0], {
      timeoutMs: READY_TIMEOUT_MS,
      everyMs: 50,
      what: "a runner to be ready",
    });
  }

  /**
   * Starts a runner and waits until it is ready; again and again where it ends before, as a
   * supervisor would: the broker may be away.
   */
  async start(
    command: Command = this.#options.command,
    env: Readonly<Record<string, string>> = {},
  ): Promise<Member> {
    const { project, brokerUrl, note } = this.#options;
    for (const deadline = now() + READY_TIMEOUT_MS; ; await sleep(AGAIN_MS)) {
      const all = { RABBITMQ_URL: brokerUrl, PORT: "0", LOG_LEVEL: "info", ...env };
      const running = startWarren(project, [command], { env: all });
      this.#started.push(running);
      try {
        const line = await running.waitForLine(/"msg":"ready"/, READY_TIMEOUT_MS);
        const { url } = JSON.parse(line) as { url: string };
        return this.#adopt({ process: running, command, url, isExpected: false }, env);
      } catch (error) {
        running.kill("SIGKILL");
        if (this.#isOver || now() > deadline) throw error;
        note(`a runner ended before it was ready: ${lastLine(running)}`);
      }
    }
  }

  /** One that does not end is killed, and counted. */
  async end(member: Member, signal: "SIGTERM" | "SIGKILL"): Promise<void> {
    member.isExpected = true;
    // Out of rotation at once: a load balancer follows /readyz, or sees the connection refused.
    this.#remove(member);
    member.process.kill(signal);
    const late = sleep(END_TIMEOUT_MS, "late" as const, { ref: false });
    const exit = await Promise.race([member.process.exit, late]);
    const key = `${signal} ${exit}`;
    this.exits[key] = (this.exits[key] ?? 0) + 1;
    if (exit === "late") {
      this.troubles.push(`it did not end within ${END_TIMEOUT_MS} ms after ${signal}`);
      member.process.kill("SIGKILL");
    }
  }

  /** Ends all of them. */
  async stop(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#members.map((member) => this.end(member, "SIGTERM")));
  }

  /** Whatever still runs, at once. */
  async kill(): Promise<void> {
    this.#isOver = true;
    this.#endAll();
    process.off("exit", this.#endAll);
    await Promise.all(this.#started.map(({ exit }) => exit));
  }

  get pids(): readonly number[] {
    return this.#members.map(({ process }) => process.pid);
  }

  /** What each that is not well says of itself. */
  async ills(): Promise<readonly string[]> {
    const answers = await Promise.all(this.#members.map(askHealth));
    return answers
      .filter(({ status }) => status !== "ok")
      .map(({ summary }) => `a runner is not well at the end: ${summary}`);
  }

  /** How many problems each finds in what was saved last. */
  async refusals(command: Command | "any"): Promise<readonly number[]> {
    const asked = this.#members.filter((one) => command === "any" || one.command === command);
    const answers = await Promise.all(asked.map(askHealth));
    return answers.map(({ reload }) => reload.problems.length);
  }

  /** What each has written, one file each in the project's folder. */
  async writeLogs(): Promise<void> {
    await Promise.all(
      this.#started.map(({ pid, stdout, stderr }, index) =>
        this.#options.project.write(`runner-${index + 1}-${pid}.log`, stdout + stderr),
      ),
    );
  }

  /** Looks at each process. */
  async sample(): Promise<void> {
    const samples = await Promise.all(this.pids.map(sampleOf));
    this.samples.push(...samples.flat());
  }

  #adopt(member: Member, env: Readonly<Record<string, string>>): Member {
    this.#members.push(member);
    void member.process.exit.then((exit) => {
      if (member.isExpected || this.#isOver) return;
      this.#remove(member);
      this.troubles.push(`it ended with ${exit}: ${lastLine(member.process)}`);
      this.#options.note(`a runner died: ${lastLine(member.process)}`);
      this.start(member.command, env).catch(() => undefined);
    });
    return member;
  }

  #remove(member: Member): void {
    this.#members = this.#members.filter((one) => one !== member);
  }
}

type Health = {
  readonly status: string;
  readonly summary: string;
  readonly reload: { readonly problems: readonly unknown[] };
};

async function askHealth({ url }: Member): Promise<Health> {
  const signal = AbortSignal.timeout(HEALTH_TIMEOUT_MS);
  const response = await fetch(`${url}/health`, { headers: { connection: "close" }, signal });
  return (await response.json()) as Health;
}

function lastLine({ stdout, stderr }: RunningProcess): string {
  const lines = `${stdout}\n${stderr}`.trim().split("\n");
  return lines.at(-1) ?? "";
}
