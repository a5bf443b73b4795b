/**
 * One apply in a process that can be killed at an exact point: it says which step of a replacement it
 * has come to, and at the one that it was told of it stands still until it is killed.
 *
 * node until.ts FILE [STEP TIMES]: at the TIMES-th report of STEP
 */
import { writeSync } from "node:fs";
import { applyTopology } from "../../src/apply/change/apply.ts";
import { formatReport } from "../../src/apply/change/report.ts";
import { formatProblem } from "../../src/errors.ts";
import { load } from "../../src/loader/load.ts";

const [, , file = "", stopStep = "", stopTimes = "1"] = process.argv;
const loaded = load({ file, env: {} });
if (!loaded.ok) throw new Error(loaded.problems.map(formatProblem).join("\n"));
let times = 0;
const report = await applyTopology(loaded.topology, {
  permissions: { prune: false, allowReplace: true, adopt: false },
  resume: true,
  by: `process ${process.pid}`,
  onProgress: ({ what }) => {
    const step = /\[(\d+)\/\d+\]/.exec(what)?.[1];
    if (step !== stopStep) return;
    times += 1;
    if (times < Number(stopTimes)) return;
    // At once, and nothing is done after it.
    writeSync(1, `at ${what}\n`);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  },
});
writeSync(1, `${formatReport(report)}\n`);
process.exitCode = report.isDone && !report.isPartial ? 0 : 1;
