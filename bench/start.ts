import { spawn } from "node:child_process";
import { once } from "node:events";
import { freePort } from "../test/support/ports.ts";
import { REPOSITORY } from "../test/support/processes.ts";
import type { Vhost } from "../test/support/vhost.ts";
import { waitFor } from "../test/support/wait-for.ts";
import { type Measurement, median, rounded } from "./measure.ts";

/**
 * Seconds from `npm start` in the repository to the first 200 of /readyz; the first run, which
 * does not count, declares the bookshop.
 */
export async function benchStart(
  vhost: Vhost,
  { rounds }: { readonly rounds: number },
): Promise<Measurement> {
  await startOnce(vhost.url);
  const seconds: number[] = [];
  for (let round = 0; round < rounds; round++) seconds.push(await startOnce(vhost.url));
  const ours = rounded(median(seconds));
  return { name: "start-to-ready", ratio: null, ours, theirs: null, unit: "s" };
}

async function startOnce(url: string): Promise<number> {
  const port = await freePort();
  const start = performance.now();
  // A process group of its own: npm does not pass every signal on.
  const child = spawn("npm", ["start"], {
    cwd: REPOSITORY,
    detached: true,
    env: { ...process.env, RABBITMQ_URL: url, PORT: String(port), LOG_LEVEL: "warn" },
    stdio: ["ignore", "ignore", "inherit"],
  });
  const ended = once(child, "exit");
  try {
    await waitFor(
      async () => {
        if (child.exitCode !== null) return "ended";
        return (await fetch(`http://127.0.0.1:${port}/readyz`)).ok && "ready";
      },
      { timeoutMs: 30_000, everyMs: 10, what: "/readyz to answer 200" },
    );
    if (child.exitCode !== null) throw new Error(`npm start ended with ${child.exitCode}`);
    return (performance.now() - start) / 1_000;
  } finally {
    if (child.exitCode === null && child.pid !== undefined) {
      process.kill(-child.pid, "SIGTERM");
      await ended;
    }
  }
}
