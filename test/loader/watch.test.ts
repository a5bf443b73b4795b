import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { expect, test as plain } from "vitest";
import { digestOf } from "../../src/digest.ts";
import { Watcher } from "../../src/loader/watch.ts";
import { waitFor } from "../support/wait-for.ts";

/** A folder, and what a watcher of some of its paths says. */
type Place = {
  path(name: string): string;
  write(name: string, text: string): void;
  /** Watches `names`; each change is the names that changed, with what stood in them then. */
  watch(names: readonly string[]): Watching;
};

type Watching = {
  readonly watcher: Watcher;
  readonly changes: readonly Readonly<Record<string, string | null>>[];
  readonly dirty: number;
  /**
   * The changes so far. Nothing that was done before can be reported after it: a file is written,
   * and its change waited for.
   */
  settled(): Promise<readonly Readonly<Record<string, string | null>>[]>;
};

const test = plain.extend<{ place: Place }>({
  // biome-ignore lint/correctness/noEmptyPattern: vitest wants it so
  place: async ({}, use) => {
    const folder = mkdtempSync(join(tmpdir(), "warren-watch-"));
    const path = (name: string) => join(folder, name);
    const write = (name: string, text: string) => {
      mkdirSync(dirname(path(name)), { recursive: true });
      writeFileSync(path(name), text);
    };
    const watchers: Watcher[] = [];
    await use({
      path,
      write,
      watch: (names) => {
        const watching = watchNames(folder, names);
        watchers.push(watching.watcher);
        return watching;
      },
    });
    for (const watcher of watchers) watcher.close();
    rmSync(folder, { recursive: true, force: true });
  },
});

function watchNames(folder: string, names: readonly string[]): Watching {
  const changes: Record<string, string | null>[] = [];
  let dirty = 0;
  let ends = 0;
  const end = join(folder, "end.json");
  const watcher = new Watcher({
    paths: [...names.map((name) => join(folder, name)), end],
    onDirty: () => {
      dirty += 1;
    },
    onStable: (paths) => {
      const others = paths.filter((path) => path !== end);
      if (others.length < paths.length) ends += 1;
      if (others.length === 0) return;
      const texts = others.map((path) => [relative(folder, path), textOf(path)] as const);
      changes.push(Object.fromEntries(texts));
    },
  });
  return {
    watcher,
    changes,
    get dirty() {
      return dirty;
    },
    async settled() {
      const wanted = ends + 1;
      await waitFor(() => watcher.isStable(), { what: "the watcher to see nothing new" });
      writeFileSync(end, String(wanted));
      await waitFor(() => ends === wanted, { what: "the last change" });
      return changes;
    },
  };
}

function textOf(path: string): string | null {
  return existsSync(path) ? readFileSync(path, "utf8") : null;
}

test("a save is one change, and says first that something is coming", async ({ place }) => {
  place.write("a.ts", "one");
  const watching = place.watch(["a.ts"]);
  place.write("a.ts", "two");
  await waitFor(() => watching.dirty === 1, { what: "the first sign" });
  expect(watching.changes).toEqual([]);
  expect(await watching.settled()).toEqual([{ "a.ts": "two" }]);
});

test("a file that is written in pieces 60 ms apart is one change, of the whole", async ({
  place,
}) => {
  place.write("a.yaml", "old");
  const watching = place.watch(["a.yaml"]);
  const file = openSync(place.path("a.yaml"), "w");
  for (const piece of ["one\n", "two\n", "three\n", "four\n"]) {
    await delay(60);
    writeSync(file, piece);
  }
  closeSync(file);
  expect(await watching.settled()).toEqual([{ "a.yaml": "one\ntwo\nthree\nfour\n" }]);
});

test("a file that is emptied first is one change, of what is written then", async ({ place }) => {
  place.write("a.ts", "old");
  const watching = place.watch(["a.ts"]);
  truncateSync(place.path("a.ts"), 0);
  await waitFor(() => watching.dirty === 1, { what: "the empty file to be seen" });
  place.write("a.ts", "new");
  expect(await watching.settled()).toEqual([{ "a.ts": "new" }]);
});

test("a file that is renamed over, as many editors save, is one change each time", async ({
  place,
}) => {
  place.write("a.ts", "0");
  const watching = place.watch(["a.ts"]);
  for (const text of ["1", "2", "3"]) {
    place.write("a.ts.tmp", text);
    renameSync(place.path("a.ts.tmp"), place.path("a.ts"));
    await watching.settled();
  }
  expect(watching.changes).toEqual([{ "a.ts": "1" }, { "a.ts": "2" }, { "a.ts": "3" }]);
});

test("a save as vim does it, with a probe, a backup and a new file, is one change", async ({
  place,
}) => {
  place.write("src/a.ts", "old");
  const watching = place.watch(["src"]);
  place.write("src/4913", "");
  unlinkSync(place.path("src/4913"));
  renameSync(place.path("src/a.ts"), place.path("src/a.ts~"));
  await waitFor(() => watching.dirty === 1, { what: "the missing file to be seen" });
  place.write("src/a.ts", "new");
  unlinkSync(place.path("src/a.ts~"));
  expect(await watching.settled()).toEqual([{ "src/a.ts": "new" }]);
});

test("a file that is touched, or written as it was, is no change", async ({ place }) => {
  place.write("a.ts", "same");
  const watching = place.watch(["a.ts"]);
  utimesSync(place.path("a.ts"), new Date(), new Date());
  place.write("a.ts", "same");
  expect(await watching.settled()).toEqual([]);
});

test("what is changed and changed back is said to be as it was", async ({ place }) => {
  place.write("a.ts", "one");
  const said: (readonly string[])[] = [];
  const watcher = new Watcher({
    paths: [place.path("a.ts")],
    onDirty: () => place.write("a.ts", "one"),
    onStable: (changed) => said.push(changed),
  });
  place.write("a.ts", "two");
  await waitFor(() => said.length > 0, { what: "the end of the change" });
  watcher.close();
  expect(said).toEqual([[]]);
});

test("a file that is deleted, and created again, is a change each time", async ({ place }) => {
  place.write("a.ts", "one");
  const watching = place.watch(["a.ts"]);
  unlinkSync(place.path("a.ts"));
  await watching.settled();
  place.write("a.ts", "two");
  expect(await watching.settled()).toEqual([{ "a.ts": null }, { "a.ts": "two" }]);
});

test("a file in a folder that does not exist yet is seen once it is there", async ({ place }) => {
  const watching = place.watch(["schemas/events", "lib/deep/b.ts"]);
  place.write("schemas/events/book.created.json", "{}");
  await watching.settled();
  place.write("lib/deep/b.ts", "b");
  expect(await watching.settled()).toEqual([
    { "schemas/events/book.created.json": "{}" },
    { "lib/deep/b.ts": "b" },
  ]);
});

test("modules and JSON files that come, change and go in a watched folder are changes", async ({
  place,
}) => {
  place.write("handlers/a.ts", "a");
  const watching = place.watch(["handlers"]);
  place.write("handlers/billing/b.ts", "b");
  await watching.settled();
  place.write("handlers/billing/b.ts", "bb");
  await watching.settled();
  rmSync(place.path("handlers/billing"), { recursive: true });
  expect(await watching.settled()).toEqual([
    { "handlers/billing/b.ts": "b" },
    { "handlers/billing/b.ts": "bb" },
    { "handlers/billing/b.ts": null },
  ]);
});

test("what editors and package managers leave in a watched folder is no change", async ({
  place,
}) => {
  place.write("handlers/a.ts", "a");
  const watching = place.watch(["handlers"]);
  for (const name of [".a.ts.swp", ".#a.ts", "a.ts~", "4913", "notes.txt"]) {
    place.write(`handlers/${name}`, "x");
  }
  place.write("handlers/node_modules/x/index.js", "x");
  place.write("handlers/.git/x.json", "x");
  expect(await watching.settled()).toEqual([]);
});

test("a folder that is replaced by another, and changed then, is two changes", async ({
  place,
}) => {
  place.write("handlers/a.ts", "one");
  place.write("next/a.ts", "two");
  place.write("next/b.ts", "b");
  const watching = place.watch(["handlers"]);
  renameSync(place.path("handlers"), place.path("before"));
  renameSync(place.path("next"), place.path("handlers"));
  await watching.settled();
  place.write("handlers/a.ts", "three");
  expect(await watching.settled()).toEqual([
    { "handlers/a.ts": "two", "handlers/b.ts": "b" },
    { "handlers/a.ts": "three" },
  ]);
});

test("a folder that is deleted and made again is watched again", async ({ place }) => {
  place.write("handlers/a.ts", "one");
  const watching = place.watch(["handlers"]);
  for (const text of ["two", "three"]) {
    rmSync(place.path("handlers"), { recursive: true });
    place.write("handlers/a.ts", text);
    await watching.settled();
  }
  place.write("handlers/a.ts", "four");
  expect(await watching.settled()).toEqual([
    { "handlers/a.ts": "two" },
    { "handlers/a.ts": "three" },
    { "handlers/a.ts": "four" },
  ]);
});

/** A new version of a mounted ConfigMap, as the kubelet swaps it in. */
function mount(place: Place, version: number): void {
  place.write(`mount/..v${version}/a.mjs`, `a${version}`);
  place.write(`mount/..v${version}/b.mjs`, "b");
  symlinkSync(`..v${version}`, place.path("mount/..data_tmp"));
  renameSync(place.path("mount/..data_tmp"), place.path("mount/..data"));
  rmSync(place.path(`mount/..v${version - 1}`), { recursive: true, force: true });
}

for (const watched of ["mount", "mount/a.mjs"]) {
  test(`each of five swaps of a ConfigMap is one change, where ${watched} is watched`, async ({
    place,
  }) => {
    mount(place, 0);
    for (const name of ["a.mjs", "b.mjs"])
      symlinkSync(`..data/${name}`, place.path(`mount/${name}`));
    const watching = place.watch([watched]);
    for (const version of [1, 2, 3, 4, 5]) {
      mount(place, version);
      await watching.settled();
    }
    expect(watching.changes).toEqual([1, 2, 3, 4, 5].map((n) => ({ "mount/a.mjs": `a${n}` })));
  });
}

test("the folder that a link leads to is watched, and the new one after it is replaced", async ({
  place,
}) => {
  place.write("releases/1/a.ts", "one");
  place.write("releases/2/a.ts", "two");
  symlinkSync("releases/1", place.path("current"));
  const watching = place.watch(["current"]);
  place.write("releases/1/a.ts", "one, mended");
  await watching.settled();
  symlinkSync("releases/2", place.path("next"));
  renameSync(place.path("next"), place.path("current"));
  await watching.settled();
  place.write("releases/2/a.ts", "two, mended");
  expect(await watching.settled()).toEqual([
    { "current/a.ts": "one, mended" },
    { "current/a.ts": "two" },
    { "current/a.ts": "two, mended" },
  ]);
});

test("what no event tells of is found by looking: a link far above the file is replaced", async ({
  place,
}) => {
  place.write("releases/1/src/a.ts", "one");
  place.write("releases/2/src/a.ts", "two");
  symlinkSync("releases/1", place.path("current"));
  const said: (readonly string[])[] = [];
  const path = place.path("current/src/a.ts");
  const watcher = new Watcher({
    paths: [path],
    onDirty: () => undefined,
    onStable: (changed) => said.push(changed),
  });
  symlinkSync("releases/2", place.path("next"));
  renameSync(place.path("next"), place.path("current"));
  await waitFor(() => said.length > 0, { what: "the change to be found" });
  watcher.close();
  expect(said).toEqual([[path]]);
});

test("folders whose links go round in a circle are read to an end", async ({ place }) => {
  place.write("handlers/a.ts", "one");
  symlinkSync("..", place.path("handlers/up"));
  const watching = place.watch(["handlers"]);
  place.write("handlers/a.ts", "two");
  expect(await watching.settled()).toContainEqual(
    expect.objectContaining({ "handlers/a.ts": "two" }),
  );
});

test("what is watched later counts from then on, or from what it is known to be", async ({
  place,
}) => {
  for (const name of ["a.ts", "b.ts", "c.ts"]) place.write(name, "old");
  const watching = place.watch(["a.ts"]);
  place.write("b.ts", "new");
  const paths = ["b.ts", "c.ts", "end.json"].map(place.path);
  watching.watcher.watch(paths, new Map([[place.path("c.ts"), "another digest"]]));
  place.write("a.ts", "new");
  expect(await watching.settled()).toEqual([{ "c.ts": "old" }]);
});

test("who asks is told when all is stable, also if nothing has changed", async ({ place }) => {
  place.write("a.ts", "one");
  const said: (readonly string[])[] = [];
  const watcher = new Watcher({
    paths: [place.path("a.ts")],
    onDirty: () => undefined,
    onStable: (changed) => said.push(changed),
  });
  await watcher.settle();
  watcher.close();
  expect(said).toEqual([[]]);
});

test("what a file held while it stood still is known, also when it has changed since", async ({
  place,
}) => {
  const watching = place.watch(["a.ts"]);
  for (const text of ["one", "two"]) {
    place.write("a.ts", text);
    await watching.settled();
  }
  const wasStable = (text: string) =>
    watching.watcher.wasStable(place.path("a.ts"), digestOf(Buffer.from(text)));
  expect(["one", "two", "three"].map(wasStable)).toEqual([true, true, false]);
});

test("a closed watcher says nothing more", async ({ place }) => {
  place.write("a.ts", "one");
  const closed = place.watch(["a.ts"]);
  const other = place.watch(["a.ts"]);
  closed.watcher.close();
  place.write("a.ts", "two");
  expect(await other.settled()).toHaveLength(1);
  expect([closed.dirty, closed.changes]).toEqual([0, []]);
});
