import { expect, test } from "vitest";
import { Watcher } from "../../src/loader/watch.ts";

test("nobody waits for files that are watched no longer", async () => {
  const nothing = () => undefined;
  const watcher = new Watcher({ paths: [], onDirty: nothing, onStable: nothing });
  const before = watcher.settle();
  watcher.close();
  await expect(Promise.all([before, watcher.settle()])).resolves.toEqual([undefined, undefined]);
});
