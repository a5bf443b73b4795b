/** The project that the runners run, in a temporary folder. */
import { cp } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { type Project, writeProject } from "../test/support/project.ts";

const PROJECT = fileURLToPath(new URL("project", import.meta.url));
const PRELOAD = fileURLToPath(new URL("skew.cjs", import.meta.url));

/** To which each run of a handler appends a line. */
export const RUNS_FILE = "runs.jsonl";

/** Copies the project, or that of another folder; the caller removes it. */
export async function createWorkspace(folder = PROJECT): Promise<Project> {
  const project = await writeProject({ topology: "" });
  await cp(folder, project.folder, { recursive: true });
  return project;
}

/** The environment of a process whose wall clock is wrong by so much. */
export function skewedClock(skewMs: number): Readonly<Record<string, string>> {
  return { NODE_OPTIONS: `--require=${PRELOAD}`, CHAOS_SKEW_MS: String(skewMs) };
}
