import { relative } from "node:path";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/**
 * The files that take longest, first: none of them is left to run alone at the end. Those that wait
 * stand between those that work.
 */
const LONGEST: readonly string[] = [
  "test/runtime/recovery/network-node.test.ts",
  "test/commands/drain.test.ts",
  "test/runtime/recovery/network-disk.test.ts",
  "test/chaos.test.ts",
  "test/commands/reload.test.ts",
  "test/runtime/host/many.test.ts",
  "test/apply/change/prune.test.ts",
  "test/runtime/host/threads.test.ts",
  "test/commands/drain-faults.test.ts",
  "test/commands/life.test.ts",
  "test/apply/replace/kill.test.ts",
  "test/runtime/host/handlers.test.ts",
];

/** As Vitest does it where it knows nothing of earlier runs, but for the longest files. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const placeOf = ({ moduleId, project }: TestSpecification) => {
      const place = LONGEST.indexOf(relative(project.vitest.config.root, moduleId));
      return place === -1 ? LONGEST.length : place;
    };
    return sorted.toSorted((one, other) => placeOf(one) - placeOf(other));
  }
}
