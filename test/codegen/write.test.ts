import { mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test as base, expect } from "vitest";
import { GENERATED_HEADER } from "../../src/codegen/types.ts";
import { staleGenerated, writeGenerated } from "../../src/codegen/write.ts";

const events = { path: "events.ts", content: `${GENERATED_HEADER}\n\nexport type A = 1;\n` };
const topology = { path: "topology.ts", content: `${GENERATED_HEADER}\n\nexport {};\n` };
const files = [events, topology];

const test = base.extend<{ folder: string }>({
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads the fixture's parameters from here
  folder: async ({}, use) => {
    const folder = await mkdtemp(join(tmpdir(), "warren-generated-"));
    await use(folder);
    await rm(folder, { recursive: true });
  },
});

test("a folder that does not exist is made, with every file", async ({ folder }) => {
  const directory = join(folder, "src", "generated");
  expect(await staleGenerated(directory, files)).toEqual(["events.ts", "topology.ts"]);
  expect(await writeGenerated(directory, files)).toEqual(["events.ts", "topology.ts"]);
  expect(await readFile(join(directory, "events.ts"), "utf8")).toBe(events.content);
  expect(await staleGenerated(directory, files)).toEqual([]);
});

test("a file that is right already is not written again", async ({ folder }) => {
  await writeGenerated(folder, files);
  const before = new Date(0);
  await utimes(join(folder, "events.ts"), before, before);
  await writeFile(join(folder, "topology.ts"), `${topology.content}// edited\n`);
  expect(await writeGenerated(folder, files)).toEqual(["topology.ts"]);
  expect((await stat(join(folder, "events.ts"))).mtime).toEqual(before);
});

test("a generated file that is no longer wanted is stale, and deleted", async ({ folder }) => {
  await writeGenerated(folder, files);
  expect(await staleGenerated(folder, [events])).toEqual(["topology.ts"]);
  expect(await writeGenerated(folder, [events])).toEqual(["topology.ts"]);
  expect(await readdir(folder)).toEqual(["events.ts"]);
});

test("what warren has not generated stays, and is not stale", async ({ folder }) => {
  await writeGenerated(folder, files);
  await writeFile(join(folder, "mine.ts"), "export {};\n");
  await mkdir(join(folder, "kept"));
  expect(await staleGenerated(folder, files)).toEqual([]);
  expect(await writeGenerated(folder, files)).toEqual([]);
  expect((await readdir(folder)).sort()).toEqual(["events.ts", "kept", "mine.ts", "topology.ts"]);
});

test("a checkout with CRLF line ends is up to date", async ({ folder }) => {
  for (const { path, content } of files) {
    await writeFile(join(folder, path), content.replaceAll("\n", "\r\n"));
  }
  expect(await staleGenerated(folder, files)).toEqual([]);
});
