/** What a run is told as: numbers first, then what was wrong, then one line. Pure. */

import { duplicates } from "./duplicates.ts";
import type { Evidence, Happened } from "./evidence.ts";
import type { Sent } from "./ledger.ts";
import type { HandlerRun } from "./project/src/job/run.ts";
import { reconcile, type Violations } from "./reconcile.ts";
import { count, list, type Report, tell, wrongs } from "./telling.ts";

/** The whole account of a run. */
export function report(evidence: Evidence): Report {
  const violations = reconcile(evidence);
  return tell(violations, (isPass) => [
    ...head(evidence),
    ...jepsen(evidence, violations),
    ...perFault(evidence),
    ...http(evidence),
    ...processes(evidence),
    ...wrongs(violations),
    verdict(evidence, violations, isPass),
  ]);
}

function head({ seed, phases, sent }: Evidence): readonly string[] {
  const seconds = (phases.faultsEnded - phases.faultsBegan) / 1_000;
  const all = [...sent.values()];
  const states = count(all.map(({ state }) => state));
  return [
    `seed ${seed}, ${seconds.toFixed(0)} s of faults, ${all.length} ids`,
    `  ${list(states)}; unknown for a while: ${all.filter(({ wasUnknown }) => wasUnknown).length}`,
    `  scripts: ${list(count(all.map(({ script }) => script)))}`,
  ];
}

/** In Jepsen's words: `recovered` were unknown to the publisher, and handled. */
function jepsen(evidence: Evidence, violations: Violations): readonly string[] {
  const handled = handledIds(evidence);
  const all = [...evidence.sent.values()];
  const isWith = (state: Sent["state"]) => all.filter((one) => one.state === state);
  const repeated = duplicates(evidence).reduce((sum, { extra }) => sum + extra, 0);
  const { lost, phantom, corrupt, earlyAck, badRetry, stuck } = violations;
  return [
    `  attempt ${all.length}, acknowledged ${isWith("accepted").length}, ok ${handled.size}, ` +
      `lost ${lost.length}, unexpected ${phantom.length}, duplicated ${repeated}, ` +
      `recovered ${isWith("unknown").filter(({ id }) => handled.has(id)).length}, ` +
      `dead ${evidence.dead.length}`,
    `  corrupt ${corrupt.length}, early_ack ${earlyAck.length}, bad_retry ${badRetry.length}, ` +
      `stuck ${stuck.length}, refused_but_handled ${violations.refusedButHandled.length}, ` +
      `dup_excess ${violations.dupExcess.length}`,
  ];
}

function perFault(evidence: Evidence): readonly string[] {
  const { faults, phases } = evidence;
  const handled = evidence.runs
    .filter(({ outcome }) => outcome === "handled")
    .sort((a, b) => a.end - b.end);
  const repeats = duplicates(evidence);
  const rows = faults.map((fault) => {
    const at = ((fault.begin - phases.faultsBegan) / 1_000).toFixed(1).padStart(6);
    const lasted = `${Math.round(fault.end - fault.begin)} ms`.padStart(9);
    const again = repeats.filter((one) => causeOf(one.at, faults) === fault).length;
    const recovery = recoveryOf(fault, faults, handled);
    return `  ${at} s  ${fault.name.padEnd(10)} ${lasted}  recovery ${recovery}  duplicates ${again}`;
  });
  const gap = longestGap(evidence);
  return ["faults:", ...rows, `  longest consume gap ${Math.round(gap)} ms`];
}

/** The last fault before it that can repeat messages. */
function causeOf(at: number, faults: readonly Happened[]): Happened | undefined {
  return faults.findLast(({ losesConnections, begin }) => losesConnections && begin <= at);
}

/** From the fault's end to the end of the first run that began after it, if no outage is between. */
function recoveryOf(
  { end }: Happened,
  faults: readonly Happened[],
  handled: readonly HandlerRun[],
): string {
  const first = handled.find(({ start }) => start > end);
  const until = first?.start ?? Number.POSITIVE_INFINITY;
  const other = faults.find((one) => one.isOutage && one.begin < until && end < one.end);
  if (other) return `within ${other.name}`.padStart(16);
  return (first ? `${Math.round(first.end - end)} ms` : "none").padStart(16);
}

function longestGap({ runs, phases }: Evidence): number {
  const during = runs
    .map(({ end }) => end)
    .filter((end) => end >= phases.faultsBegan && end <= phases.faultsEnded)
    .sort((a, b) => a - b);
  return Math.max(0, ...during.map((end, index) => end - (during[index - 1] ?? end)));
}

function http({ answers, faults }: Evidence): readonly string[] {
  const isInFault = (at: number, ms: number) =>
    faults.some(({ begin, end }) => at <= end && begin <= at + ms);
  const accepted = answers.filter(({ isAccepted }) => isAccepted);
  const inside = accepted.filter(({ at, ms }) => isInFault(at, ms)).map(({ ms }) => ms);
  const outside = accepted.filter(({ at, ms }) => !isInFault(at, ms)).map(({ ms }) => ms);
  const refused = answers.filter(({ text }) => text.startsWith("503")).map(({ ms }) => ms);
  return [
    `http: 202 outside of faults ${percentiles(outside)}; in faults ${percentiles(inside)}; ` +
      `503 ${percentiles(refused)}`,
    `  answers: ${list(count(answers.map(({ text }) => text)))}`,
  ];
}

function processes({ samples, exits, wire, runs, faults }: Evidence): readonly string[] {
  const [first, last] = [samples[0], samples.at(-1)];
  const seen = first && last ? `fds ${first.fds} → ${last.fds}` : "fds not known here";
  const rss = Math.max(0, ...samples.map(({ rssMiB }) => rssMiB));
  return [
    `runners: max RSS ${rss} MiB, ${seen}; ended: ${list(exits)}`,
    `  edits taken ${edits(faults, "taken")}, refused ${edits(faults, "refused")}; ` +
      `revisions of the handlers seen: ${new Set(runs.map(({ revision }) => revision)).size}`,
    `  closes: ${list(wire.closes)}`,
  ];
}

/** How many ended as they had to, of how many. */
function edits(faults: readonly Happened[], kind: "taken" | "refused"): string {
  const all = faults.filter(({ edit }) => edit === kind);
  return `${all.filter(({ error }) => error === null).length} of ${all.length}`;
}

function verdict(evidence: Evidence, violations: Violations, isPass: boolean): string {
  const accepted = [...evidence.sent.values()].filter(({ state }) => state === "accepted").length;
  const repeated = duplicates(evidence).reduce((sum, { extra }) => sum + extra, 0);
  const gap = (longestGap(evidence) / 1_000).toFixed(1);
  const outcome = isPass ? "PASS" : "FAIL";
  return `ZERO-LOSS ${outcome} lost=${violations.lost.length}/${accepted} dup=${repeated} max_gap=${gap}s`;
}

function handledIds({ runs }: Evidence): ReadonlySet<string> {
  return new Set(runs.filter(({ outcome }) => outcome === "handled").map(({ id }) => id));
}

function percentiles(values: readonly number[]): string {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (part: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))];
  const [p50, p99] = [at(0.5), at(0.99)];
  if (p50 === undefined || p99 === undefined) return "none";
  return `p50 ${p50.toFixed(1)} ms p99 ${p99.toFixed(0)} ms (${sorted.length})`;
}
