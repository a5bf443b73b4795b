/** What a run is told as: numbers first, then what was wrong, then one line. Pure. */
import { count, list, type Report, tell, wrongs } from "../telling.ts";
import type { Evidence } from "./evidence.ts";
import type { Script } from "./project/src/job.ts";
import { reconcile, repeats, type Violations } from "./reconcile.ts";

/** The whole account of a run. */
export function report(evidence: Evidence): Report {
  const violations = reconcile(evidence);
  return tell(violations, (isPass) => [
    ...head(evidence),
    ...jepsen(evidence, violations),
    ...perScript(evidence),
    ...runner(evidence),
    ...wrongs(violations),
    verdict(evidence, violations, isPass),
  ]);
}

function head({ seed, version, sent, runs, block }: Evidence): readonly string[] {
  const seconds = secondsOf(runs);
  const rate = Math.round(runs.length / Math.max(seconds, 1));
  const blocked = block ? `, blocked for ${((block.end - block.begin) / 1_000).toFixed(1)} s` : "";
  const queues = list(count(sent.map(({ queue }) => queue)));
  return [
    `seed ${seed}, RabbitMQ ${version}, ${sent.length} messages (${queues})`,
    `  ${runs.length} runs in ${seconds.toFixed(1)} s, ${rate} a second${blocked}`,
  ];
}

/** In Jepsen's words. */
function jepsen(evidence: Evidence, violations: Violations): readonly string[] {
  const { sent, dead } = evidence;
  const { lost, unexpected, badAttempts, badEnd, repeated, stuck } = violations;
  return [
    `  attempt ${sent.length}, acknowledged ${sent.filter((one) => one.isConfirmed).length}, ` +
      `ok ${handledIds(evidence).size}, lost ${lost.length}, unexpected ${unexpected.length}, ` +
      `dead ${dead.length}`,
    `  bad_attempts ${badAttempts.length}, bad_end ${badEnd.length}, ` +
      `repeated ${repeated.length}, stuck ${stuck.length}; ` +
      `run again beside a death or redelivered: ${explainedRepeats(evidence)}`,
  ];
}

function perScript({ sent, runs, dead }: Evidence): readonly string[] {
  const scripts = new Map(sent.map(({ id, script }) => [id, script]));
  const of = (id: string) => scripts.get(id);
  return [...new Set(sent.map(({ script }) => script))].sort().map((script: Script) => {
    const messages = sent.filter((one) => one.script === script).length;
    const mine = runs.filter(({ id }) => of(id) === script);
    const reasons = dead
      .filter(({ id }) => of(id) === script)
      .map(({ reason }) => reason ?? "none");
    const attempts = list(count(mine.map(({ attempt, outcome }) => `${attempt} ${outcome}`)));
    return `  ${script.padEnd(7)} ${messages} messages; attempts: ${attempts}; dead: ${list(count(reasons))}`;
  });
}

function runner({ log, samples, runs }: Evidence): readonly string[] {
  const rss = Math.max(0, ...samples.map(({ rssMiB }) => rssMiB));
  const threads = new Set(runs.map(({ pid, thread }) => `${pid} ${thread}`)).size;
  return [`runner: max RSS ${rss} MiB, ${threads} threads`, `  log: ${list(log)}`];
}

function verdict(evidence: Evidence, violations: Violations, isPass: boolean): string {
  const { lost, badAttempts, badEnd, repeated } = violations;
  return (
    `CONSUMERS ${isPass ? "PASS" : "FAIL"} lost=${lost.length}/${evidence.sent.length} ` +
    `bad_attempts=${badAttempts.length} bad_end=${badEnd.length} repeated=${repeated.length}`
  );
}

function explainedRepeats(evidence: Evidence): number {
  return repeats(evidence).reduce((sum, one) => sum + Math.min(one.extra, one.explained), 0);
}

function handledIds({ runs }: Evidence): ReadonlySet<string> {
  return new Set(runs.filter(({ outcome }) => outcome === "handled").map(({ id }) => id));
}

function secondsOf(runs: Evidence["runs"]): number {
  const [first, last] = [runs[0], runs.at(-1)];
  return first && last ? (last.end - first.start) / 1_000 : 0;
}
