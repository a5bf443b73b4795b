import { waitFor } from "./wait-for.ts";

// What keeps this process alive, by Node's names. Of sockets, servers and child processes a
// test has to leave as many as it found.
const WATCHED = {
  TCPSocketWrap: "sockets",
  TCPServerWrap: "servers",
  ProcessWrap: "child processes",
} as const;

export type Resources = Readonly<Record<string, number>>;

/** Open sockets, servers and child processes of this process. */
export function countResources(): Resources {
  const counts: Record<string, number> = {};
  const active = process.getActiveResourcesInfo();
  for (const [type, name] of Object.entries(WATCHED)) {
    counts[name] = active.filter((one) => one === type).length;
  }
  return counts;
}

/**
 * Waits until nothing is open that was not open `before`.
 *
 * @throws {Error} with the numbers of what a test left open.
 */
export async function expectNoLeak(before: Resources, timeoutMs = 30_000): Promise<void> {
  await waitFor(
    (seen) => {
      const leaked = Object.entries(countResources())
        .map(([name, count]) => ({ name, more: count - (before[name] ?? 0) }))
        .filter(({ more }) => more > 0)
        .map(({ name, more }) => `${name}: ${more}`);
      return seen(leaked.join(", ")) === "";
    },
    { timeoutMs, what: "what the test opened to be closed (a leak)" },
  );
}
