import { join } from "node:path";
import { expect, test } from "vitest";
import { formatProblem } from "../../../src/errors.ts";
import { load } from "../../../src/loader/load.ts";
import { REPOSITORY } from "../../support/processes.ts";

test.each(["topology.yaml", "test/fixtures/valid/topology.yaml"])(
  "nothing is found in %s, in which all is meant",
  (file) => {
    const loaded = load({ file: join(REPOSITORY, file), env: { RABBITMQ_PASSWORD: "x" } });
    expect(loaded.ok).toBe(true);
    expect(loaded.warnings.map(formatProblem)).toEqual([]);
  },
);
