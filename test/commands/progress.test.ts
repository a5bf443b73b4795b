import { PassThrough } from "node:stream";
import { stripVTControlCharacters } from "node:util";
import { expect, test } from "vitest";
import { ProgressBar } from "../../src/commands/progress.ts";

test("a bar shows how far it is and what it is at, and leaves nothing behind", () => {
  const terminal = Object.assign(new PassThrough(), {
    isTTY: true,
    columns: 80,
    cursorTo: () => true,
    clearLine: () => true,
  });
  const bar = new ProgressBar(terminal);
  bar.show({ done: 1, total: 4, what: "queue a" });
  bar.end();
  bar.end();
  const written = stripVTControlCharacters(String(terminal.read()));
  expect(written).toMatch(/█+░+ 1\/4 {2}queue a/);
});

test("without a terminal nothing is written", () => {
  const bar = new ProgressBar(null);
  bar.show({ done: 1, total: 4, what: "queue a" });
  bar.end();
});
