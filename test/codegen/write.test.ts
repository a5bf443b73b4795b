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

test("two who write at a time leave no file half, and nothing beside the files", async ({
  folder,
}) => {
  const versions = ["a", "b"].map((letter) => ({
    path: "events.ts",
    content: `${GENERATED_HEADER}\n${letter.repeat(500_000)}\n`,
  }));
  const contents = versions.map(({ content }) => content);
  await writeGenerated(folder, versions.slice(0, 1));
  const write = async (index: number) => {
    for (let round = 0; round < 40; round += 1) {
      await writeGenerated(folder, versions.slice((index + round) % 2).slice(0, 1));
    }
  };
  let isDone = false;
  const writing = Promise.all([write(0), write(1)]).finally(() => {
    isDone = true;
  });
  let looks = 0;
  while (!isDone) {
    expect(contents.includes(await readFile(join(folder, "events.ts"), "utf8"))).toBe(true);
    looks += 1;
  }
  await writing;
  expect(looks).toBeGreaterThan(1);
  expect(await readdir(folder)).toEqual(["events.ts"]);
});

test("what a process has left that ended in the middle is no generated file, and goes in time", async ({
  folder,
}) => {
  const [old, fresh] = [".events.ts.1.unfinished", ".events.ts.2.unfinished"];
  for (const name of [old, fresh]) await writeFile(join(folder, name), events.content);
  const before = new Date(Date.now() - 3_600_000);
  await utimes(join(folder, old), before, before);
  expect(await staleGenerated(folder, [events])).toEqual(["events.ts"]);
  expect(await writeGenerated(folder, [events])).toEqual(["events.ts"]);
  expect((await readdir(folder)).sort()).toEqual([fresh, "events.ts"].sort());
});
