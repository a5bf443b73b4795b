import { execFile } from "node:child_process";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { REPOSITORY } from "./processes.ts";

/** The command line of warren, as it is installed. */
export const BUILT_CLI = join(REPOSITORY, "dist/cli.js");

/**
 * Compiles the source to dist where that is older: its commands start in half the time that they
 * take from source. Types are not checked, since a test may run while they are wrong.
 *
 * @throws {Error} with the compiler's output.
 */
export async function buildWarren(): Promise<void> {
  const sources = await readdir(join(REPOSITORY, "src"), { recursive: true });
  const inputs = ["tsconfig.json", "tsconfig.build.json", ...sources.map((one) => `src/${one}`)];
  const [builtMs, ...changesMs] = await Promise.all(
    [BUILT_CLI, ...inputs.map((one) => join(REPOSITORY, one))].map(changedMs),
  );
  if ((builtMs ?? 0) > Math.max(...changesMs)) return;
  const compiler = join(REPOSITORY, "node_modules/.bin/tsc");
  await promisify(execFile)(compiler, ["-p", "tsconfig.build.json", "--noCheck"], {
    cwd: REPOSITORY,
  });
}

async function changedMs(path: string): Promise<number> {
  const found = await stat(path).catch(() => undefined);
  return found?.mtimeMs ?? 0;
}
