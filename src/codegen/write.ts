import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { GENERATED_HEADER, type GeneratedFile } from "./types.ts";

/**
 * Makes the directory hold these generated files: writes those that differ and deletes generated
 * ones that are no longer among them. Files that warren has not generated stay.
 *
 * @returns the paths written or deleted, relative to the directory, sorted.
 */
export async function writeGenerated(
  directory: string,
  files: readonly GeneratedFile[],
): Promise<readonly string[]> {
  const changed = await staleGenerated(directory, files);
  await mkdir(directory, { recursive: true });
  for (const path of changed) {
    const file = files.find((candidate) => candidate.path === path);
    if (file === undefined) await rm(join(directory, path));
    else await writeFile(join(directory, path), file.content);
  }
  return changed;
}

/**
 * The paths that `writeGenerated` would write or delete; none if the directory is up to date. A
 * checkout with CRLF line ends is up to date.
 */
export async function staleGenerated(
  directory: string,
  files: readonly GeneratedFile[],
): Promise<readonly string[]> {
  const present = await readGenerated(directory);
  const differing = files.filter(({ path, content }) => present.get(path) !== content);
  const expected = new Set(files.map(({ path }) => path));
  const extra = [...present.keys()].filter((path) => !expected.has(path));
  return [...differing.map(({ path }) => path), ...extra].sort();
}

/** File name → content, of those that warren has generated. */
async function readGenerated(directory: string): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  for (const path of await namesIn(directory)) {
    const content = (await readFile(join(directory, path), "utf8")).replaceAll("\r\n", "\n");
    if (content.startsWith(GENERATED_HEADER)) found.set(path, content);
  }
  return found;
}

async function namesIn(directory: string): Promise<readonly string[]> {
  try {
    const entries = await readdir(directory, { withFileTypes: true });
    return entries.filter((entry) => entry.isFile()).map(({ name }) => name);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw error;
  }
}
