/** A runner whose handlers are files of a project, on threads of their own, as `start` runs them. */
import { formatProblem } from "../../src/errors.ts";
import { load } from "../../src/loader/load.ts";
import { WorkerHost } from "../../src/runtime/host/worker-host.ts";
import { type Project, writeProject } from "./project.ts";
import { fileOf, type LogLine, type RunnerFiles, runWith, type TestRunner } from "./runner.ts";

export type ThreadedFiles = Omit<RunnerFiles, "handlers"> & {
  /** Module name → its text; see `handlerText`. */
  readonly handlers: Readonly<Record<string, string>>;
};

export type ThreadedRunner = TestRunner & {
  readonly project: Project;
  /** What handlers have logged under this message, in order. */
  logged(message: string): readonly LogLine[];
};

/** A module whose handler has this body; `event` and the whole context are in scope. */
export function handlerText(body: string, before = ""): string {
  return `import { defineHandler, Reject, Retry } from "warren";
${before}
export default defineHandler<never>(
  async (event: any, { log, publish, call, signal, attempt, message }: any) => {
    ${body}
  },
);
`;
}

/** The caller stops it, which removes the project as well. */
export async function startThreaded(files: ThreadedFiles): Promise<ThreadedRunner> {
  const { events = {}, replies = {}, handlers } = files;
  const project = await writeProject({ topology: fileOf(files), events, replies, handlers });
  try {
    const loaded = load({ file: project.path("topology.yaml"), env: {} });
    if (!loaded.ok) throw new Error(loaded.problems.map(formatProblem).join("\n"));
    const { env } = process;
    const runner = await runWith(loaded.topology, (ports) => new WorkerHost(ports, { env }));
    const stop = async () => {
      const isDrained = await runner.stop();
      await project.remove();
      return isDrained;
    };
    const logged = (text: string) => runner.log.filter(({ message }) => message === text);
    return { ...runner, project, logged, stop };
  } catch (error) {
    await project.remove();
    throw error;
  }
}
