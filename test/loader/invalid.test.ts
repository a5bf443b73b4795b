import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type ErrorCode, errorTable } from "../../src/errors.ts";
import { load } from "../../src/loader/load.ts";
import { REPOSITORY } from "../support/processes.ts";

const folder = join(REPOSITORY, "test/fixtures/invalid");
const fixtures = readdirSync(folder).filter((name) => name.endsWith(".yaml"));

/** The lines at the head of a fixture: what must be found, all of it, in this order. */
function expected(name: string): readonly string[] {
  const text = readFileSync(join(folder, name), "utf8");
  return [...text.matchAll(/^# expect: (.+)$/gm)].map(([, finding = ""]) => finding);
}

function found(name: string): readonly string[] {
  const loaded = load({ file: join(folder, name), env: {} });
  const problems = loaded.ok ? [] : loaded.problems;
  return problems.map(({ code, at }) => `${code} ${at.line}:${at.column}`);
}

test.each(fixtures)("%s has the problems that it says, and no other", (name) => {
  expect(found(name)).toEqual(expected(name));
  expect(expected(name)).not.toEqual([]);
});

test("every code of the loader has a fixture, or a test of its own", () => {
  const codes = Object.keys(errorTable) as ErrorCode[];
  const ofLoader = codes.slice(0, codes.indexOf("ambiguous-event") + 1);
  const elsewhere: readonly ErrorCode[] = [
    "file-not-found", // load.test.ts
    "file-too-large", // load.test.ts
    "bad-event-schema", // events.test.ts
    "bad-handler", // found by the host of the handlers, which loads them
  ];
  const covered = fixtures.flatMap(expected).map((finding) => finding.split(" ")[0]);
  expect(new Set([...covered, ...elsewhere])).toEqual(new Set(ofLoader));
});
