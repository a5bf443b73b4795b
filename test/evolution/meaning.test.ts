import { Ajv2020 } from "ajv/dist/2020.js";
import formats from "ajv-formats";
import { expect, test } from "vitest";
import { compareSchemas } from "../../src/evolution/compare.ts";
import type { JsonSchema } from "../../src/topology.ts";
import { createRandom } from "../support/random.ts";
import { createMaker, createSampler } from "./schemas.ts";

const PAIRS = 150;
const SEED = 1;
const VALUES = 60;

type Check = (value: unknown) => boolean;

function validator(schema: JsonSchema): Check {
  const ajv = new Ajv2020({ strict: false, logger: false, ownProperties: true });
  formats.default(ajv);
  return ajv.compile(schema);
}

/** Values that a sender who goes by `from` sends, and whether each is taken. */
function sentBy(from: JsonSchema, isSent: Check, isTaken: Check, seed: number) {
  const { sample } = createSampler(createRandom(seed), from);
  const sent = Array.from({ length: VALUES }, sample).filter(isSent);
  return { sent: sent.length, lost: sent.filter((value) => !isTaken(value)) };
}

test("what is compatible is: no value that one side sends is refused by the other", () => {
  const random = createRandom(SEED);
  const { event, changed } = createMaker(random);
  const told = { publishers: 0, consumers: 0, values: 0, refused: 0 };
  for (let pair = 0; pair < PAIRS; pair += 1) {
    const old = event();
    const now = random.below(5) === 0 ? event() : changed(old);
    const changes = compareSchemas(old, now);
    const shown = () => JSON.stringify({ pair, old, now, changes }, null, 1);
    const isOld = validator(old);
    const isNew = validator(now);
    for (const [whom, from, isSent, isTaken] of [
      ["publishers", old, isOld, isNew],
      ["consumers", now, isNew, isOld],
    ] as const) {
      const isCompatible = changes.every((change) => change[whom] === "compatible");
      const { sent, lost } = sentBy(from, isSent, isTaken, pair);
      if (isCompatible) {
        expect(lost, `${whom} ${shown()}`).toEqual([]);
        told[whom] += 1;
        told.values += sent;
      } else if (lost.length > 0) told.refused += 1;
    }
  }
  // Neither says always that nothing is broken, nor always that all is.
  expect(told.publishers).toBeGreaterThan(PAIRS / 10);
  expect(told.consumers).toBeGreaterThan(PAIRS / 10);
  expect(told.values).toBeGreaterThan(PAIRS);
  expect(told.refused).toBeGreaterThan(PAIRS / 10);
});
