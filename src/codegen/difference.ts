import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { GeneratedFile } from "./types.ts";
import { staleGenerated } from "./write.ts";

/** Where a generated file first differs; `line` starts at 1, and null is a line that is not there. */
export type Difference = {
  /** Relative to the directory. */
  readonly path: string;
  readonly kind: "missing" | "unwanted" | "differs";
  readonly line: number;
  readonly found: string | null;
  readonly wanted: string | null;
};

/** The files that `writeGenerated` would write or delete, each with its first differing line. */
export async function differences(
  directory: string,
  files: readonly GeneratedFile[],
): Promise<readonly Difference[]> {
  const stale = await staleGenerated(directory, files);
  return Promise.all(
    stale.map(async (path) => {
      const found = await linesOf(join(directory, path));
      const wanted = files.find((file) => file.path === path)?.content.split("\n") ?? null;
      if (found === null) return { path, kind: "missing", ...firstOf([], wanted ?? []) };
      if (wanted === null) return { path, kind: "unwanted", ...firstOf(found, []) };
      return { path, kind: "differs", ...firstOf(found, wanted) };
    }),
  );
}

async function linesOf(file: string): Promise<readonly string[] | null> {
  try {
    return (await readFile(file, "utf8")).replaceAll("\r\n", "\n").split("\n");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw error;
  }
}

function firstOf(found: readonly string[], wanted: readonly string[]) {
  let at = 0;
  while (found[at] === wanted[at] && at < found.length) at++;
  return { line: at + 1, found: found[at] ?? null, wanted: wanted[at] ?? null };
}
