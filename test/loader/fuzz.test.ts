import { afterAll, beforeAll, expect, test } from "vitest";
import { formatPlace, type Problem } from "../../src/errors.ts";
import { compileCheck } from "../../src/events/check.ts";
import { type LoadedEvents, loadEvents } from "../../src/loader/events.ts";
import { type Project, writeProject } from "../support/project.ts";
import { createRandom } from "../support/random.ts";
import { NAMES, randomText } from "./random-schemas.ts";

const SEEDS = 100;
/** No bound that anybody relies on: a load that takes longer would not end. */
const HANG_MS = 20_000;

let project: Project;

beforeAll(async () => {
  project = await writeProject({ topology: "" });
});

afterAll(() => project.remove());

async function writeFiles(seed: number): Promise<ReadonlyMap<string, string>> {
  const random = createRandom(seed);
  const texts = new Map<string, string>();
  for (const name of NAMES) {
    const text = randomText(random, name.startsWith("events/"));
    await project.write(`schemas/${name}`, text);
    texts.set(project.path(`schemas/${name}`), text.toWellFormed());
  }
  return texts;
}

const load = () => loadEvents(project.path("schemas/events"));

/** Whether a line of the file is that long, or one shorter: what is missing stands at its end. */
function isIn({ at }: Problem, texts: ReadonlyMap<string, string>): boolean {
  const line = texts.get(at.file)?.split("\n")[at.line - 1];
  return line !== undefined && at.column >= 1 && at.column <= line.length + 1;
}

test("whatever schemas are, they are read, or refused at places that they have", async () => {
  const seen = { taken: 0, refused: 0 };
  for (let seed = 1; seed <= SEEDS; seed++) {
    const texts = await writeFiles(seed);
    const started = performance.now();
    const { types, schemas, problems } = load();
    expect(performance.now() - started, `seed ${seed}`).toBeLessThan(HANG_MS);
    expect(types, `seed ${seed}`).toEqual(["a.b", "c.d"]);
    const astray = problems.filter((problem) => !isIn(problem, texts));
    expect(astray, `seed ${seed}`).toEqual([]);
    expect(Object.keys(schemas).length === 2 || problems.length > 0, `seed ${seed}`).toBe(true);
    for (const schema of Object.values(schemas)) {
      const check = () => compileCheck(schema).violations({ a: { a: ["a", { b: null }] }, b: 1 });
      expect(check, `seed ${seed}`).not.toThrow();
    }
    seen.taken += Object.keys(schemas).length;
    seen.refused += types.length - Object.keys(schemas).length;
  }
  // Else it would say nothing.
  expect(seen.taken).toBeGreaterThan(SEEDS / 10);
  expect(seen.refused).toBeGreaterThan(SEEDS / 10);
});

test("the same files have the same problems, whatever was read before", async () => {
  const summary = ({ schemas, problems }: LoadedEvents) => [
    ...Object.values(schemas).map(({ type, version }) => `${type} ${version}`),
    ...problems.map(({ at, message }) => `${formatPlace(at)} ${message}`),
  ];
  for (let seed = 1; seed <= 15; seed++) {
    await writeFiles(seed);
    const first = summary(load());
    expect(summary(load()), `seed ${seed}`).toEqual(first);
    await writeFiles(seed + 1);
    load();
    await writeFiles(seed);
    expect(summary(load()), `seed ${seed}`).toEqual(first);
  }
});
