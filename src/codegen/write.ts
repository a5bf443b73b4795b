import { randomUUID } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { GENERATED_HEADER, type GeneratedFile } from "./types.ts";

/**
 * Makes the directory hold these generated files: writes those that differ and deletes generated
 * ones that are no longer among them. Files that warren has not generated stay. Each file is there
 * whole or as it was, whoever else writes it, and whenever this ends.
 *
 * @returns the paths written or deleted, relative to the directory, sorted.
 */
export async function writeGenerated(
  directory: string,
  files: readonly GeneratedFile[],
): Promise<readonly string[]> {
  const changed = await staleGenerated(directory, files);
  if (changed.length === 0) return changed;
  await mkdir(directory, { recursive: true });
  await removeUnfinished(directory);
  for (const path of changed) {
    const file = files.find((candidate) => candidate.path === path);
    if (file === undefined) await rm(join(directory, path), { force: true });
    else await replaceFile(directory, file);
  }
  return changed;
}

/** A file that is being written: `.events.ts.….unfinished`. */
const UNFINISHED = /^\..+\.unfinished$/;
/** Nobody writes for so long, in milliseconds. */
const ABANDONED_MS = 60_000;

async function replaceFile(directory: string, { path, content }: GeneratedFile): Promise<void> {
  const unfinished = join(directory, `.${path}.${randomUUID()}.unfinished`);
  try {
    await writeFile(unfinished, content);
    await rename(unfinished, join(directory, path));
  } catch (error) {
    await rm(unfinished, { force: true });
    throw error;
  }
}

/** What a process has left that ended in the middle. */
async function removeUnfinished(directory: string): Promise<void> {
  for (const name of (await namesIn(directory)).filter((one) => UNFINISHED.test(one))) {
    const path = join(directory, name);
    const found = await stat(path).catch(() => null);
    const isAbandoned = found !== null && found.mtimeMs < Date.now() - ABANDONED_MS;
    if (isAbandoned) await rm(path, { force: true });
  }
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
  for (const path of (await namesIn(directory)).filter((name) => !UNFINISHED.test(name))) {
    const content = (await readIfThere(join(directory, path))).replaceAll("\r\n", "\n");
    if (content.startsWith(GENERATED_HEADER)) found.set(path, content);
  }
  return found;
}

/** Nothing of a file that somebody has deleted since. */
async function readIfThere(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (isMissing(error)) return "";
    throw error;
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}

async function namesIn(directory: string): Promise<readonly string[]> {
  try {
    const entries = await readdir(directory, { withFileTypes: true });
    return entries.filter((entry) => entry.isFile()).map(({ name }) => name);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}
