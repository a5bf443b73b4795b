import { join } from "node:path";
import { expect, test } from "vitest";
import { generateTypes } from "../../src/codegen/types.ts";
import { staleGenerated } from "../../src/codegen/write.ts";
import { load } from "../../src/loader/load.ts";
import { REPOSITORY } from "../support/processes.ts";

test("the bookshop has no problem, and its types are current", async () => {
  const loaded = load({ file: join(REPOSITORY, "topology.yaml"), env: {} });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems, null, 2));
  const files = await generateTypes(loaded.topology);
  expect(await staleGenerated(join(REPOSITORY, "src/generated"), files)).toEqual([]);
});
