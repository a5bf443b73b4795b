import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { differences } from "../../src/codegen/difference.ts";
import { GENERATED_HEADER } from "../../src/codegen/types.ts";

function generated(...lines: readonly string[]): string {
  return [GENERATED_HEADER, ...lines, ""].join("\n");
}

test("each stale file is named with its first line that differs", async () => {
  const folder = await mkdtemp(join(tmpdir(), "warren-difference-"));
  try {
    const have = {
      "changed.ts": generated("a", "b", "c").replaceAll("\n", "\r\n"),
      "shorter.ts": generated("a"),
      "longer.ts": generated("a", "b"),
      "same.ts": generated("a"),
      "gone.ts": generated("a"),
      "mine.ts": "a\n",
    };
    for (const [path, text] of Object.entries(have)) await writeFile(join(folder, path), text);
    const found = await differences(folder, [
      { path: "changed.ts", content: generated("a", "x", "y") },
      { path: "shorter.ts", content: generated("a", "b") },
      { path: "longer.ts", content: generated("a") },
      { path: "same.ts", content: generated("a") },
      { path: "new.ts", content: generated("a") },
    ]);
    expect(found).toEqual([
      { path: "changed.ts", kind: "differs", line: 3, found: "b", wanted: "x" },
      { path: "gone.ts", kind: "unwanted", line: 1, found: GENERATED_HEADER, wanted: null },
      { path: "longer.ts", kind: "differs", line: 3, found: "b", wanted: "" },
      { path: "new.ts", kind: "missing", line: 1, found: null, wanted: GENERATED_HEADER },
      { path: "shorter.ts", kind: "differs", line: 3, found: "", wanted: "b" },
    ]);
  } finally {
    await rm(folder, { recursive: true });
  }
});
