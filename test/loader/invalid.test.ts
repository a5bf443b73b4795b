import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type ErrorCode, errorTable, isWarning, type Problem } from "../../src/errors.ts";
import { load } from "../../src/loader/load.ts";
import { REPOSITORY } from "../support/processes.ts";

const folder = join(REPOSITORY, "test/fixtures/invalid");
const fixtures = readdirSync(folder).filter((name) => name.endsWith(".yaml"));

type Findings = { readonly problems: readonly string[]; readonly warnings: readonly string[] };

/** The comments of a fixture: what must be found, all of it, in this order. */
function expected(name: string): Findings {
  const text = readFileSync(join(folder, name), "utf8");
  const said = (word: string) =>
    [...text.matchAll(new RegExp(`^# ${word}: (.+)$`, "gm"))].map(([, finding = ""]) => finding);
  return { problems: said("expect"), warnings: said("expect-warning") };
}

function found(name: string): Findings {
  const loaded = load({ file: join(folder, name), env: {} });
  const shown = ({ code, at }: Problem) => `${code} ${at.line}:${at.column}`;
  return {
    problems: loaded.ok ? [] : loaded.problems.map(shown),
    warnings: loaded.warnings.map(shown),
  };
}

test.each(fixtures)("%s has the problems and warnings that it says, and no other", (name) => {
  expect(found(name)).toEqual(expected(name));
  expect(expected(name)).not.toEqual({ problems: [], warnings: [] });
});

test("every code of the loader has a fixture, or a test of its own", () => {
  const codes = Object.keys(errorTable) as ErrorCode[];
  const ofLoader = codes.slice(0, codes.indexOf("ambiguous-event") + 1);
  const elsewhere: readonly ErrorCode[] = [
    "file-not-found", // load.test.ts
    "file-too-large", // load.test.ts
    "bad-event-schema", // events.test.ts
    "unknown-reply", // replies.test.ts
    "bad-handler", // found by the host of the handlers, which loads them
  ];
  const covered = fixtures
    .flatMap((name) => Object.values(expected(name)).flat())
    .map((finding) => finding.split(" ")[0]);
  expect(new Set([...covered, ...elsewhere])).toEqual(new Set(ofLoader));
});

test("a code is that of a problem or that of a warning, never both", () => {
  const codesOf = (kind: keyof Findings) =>
    fixtures.flatMap((name) => found(name)[kind]).map((it) => it.split(" ")[0] as ErrorCode);
  expect(codesOf("problems").filter(isWarning)).toEqual([]);
  expect(codesOf("warnings").filter((code) => !isWarning(code))).toEqual([]);
});
