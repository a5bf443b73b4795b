/** How much a process takes, from /proc. */
import { readdir, readFile } from "node:fs/promises";
import { now } from "./clock.ts";

/** One look at a process. */
export type Sample = {
  readonly at: number;
  readonly pid: number;
  readonly rssMiB: number;
  readonly fds: number;
};

/** Empty for a process that has ended, and where there is no /proc. */
export async function sampleOf(pid: number): Promise<readonly Sample[]> {
  const seen = await look(pid).catch(() => null);
  return seen ? [{ at: now(), pid, ...seen }] : [];
}

async function look(pid: number): Promise<Pick<Sample, "rssMiB" | "fds">> {
  const [status, fds] = await Promise.all([
    readFile(`/proc/${pid}/status`, "utf8"),
    readdir(`/proc/${pid}/fd`),
  ]);
  const rssKiB = Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0);
  return { rssMiB: Math.round(rssKiB / 1024), fds: fds.length };
}
