/** A case of the conformance suite: the same steps on two brokers, and the same to be seen. */
import { appendFile, readFile } from "node:fs/promises";
import { inspect, isDeepStrictEqual } from "node:util";
import { expect, test as plain } from "../support/test.ts";
import { normalise } from "./observe.ts";
import { type Broker, nameVhost, openBrokers, type Peer, withPeer } from "./peers.ts";

/** What RabbitMQ did before it did what 4.3 does, and the embedded broker with it. */
export type Older = {
  /** The first version that does as 4.3. */
  readonly before: string;
  readonly because: string;
  /** What the older one is seen to do, made from what 4.3 is seen to do. */
  readonly saw: (newer: unknown) => unknown;
  /** As much of what 4.3 is seen to do as `saw` does not look at, for a run without a 4.3. */
  readonly newer?: unknown;
};

/** What the embedded broker does otherwise: `id` begins a row of the table in docs/embedded.md. */
export type Known = {
  readonly id: string;
  readonly rabbitmq: unknown;
  readonly embedded: unknown;
};

export type CaseOptions = {
  /** The first that applies to the broker of the run is taken: the oldest comes first. */
  readonly older?: readonly Older[];
  readonly known?: Known;
  /** In milliseconds. */
  readonly timeout?: number;
};

export const test = plain.extend<{ readonly brokers: readonly [Broker, Broker] }>({
  brokers: [
    // biome-ignore lint/correctness/noEmptyPattern: vitest reads there what a fixture needs
    async ({}, use) => {
      const brokers = await openBrokers();
      await use(brokers);
      await Promise.all(brokers.map(({ stop }) => stop()));
    },
    { scope: "file" },
  ],
});

/**
 * Runs the steps on both brokers at once, each in a vhost of its own, and compares what they
 * return: whatever a client could see of it. The name is the rule that both follow. A difference
 * that does not come again is one of time, which no broker promises: it is printed, and no failure.
 */
export function conforms(
  rule: string,
  steps: (peer: Peer) => Promise<unknown>,
  options: CaseOptions = {},
): void {
  test(rule, { timeout: options.timeout ?? 90_000 }, async ({ brokers }) => {
    try {
      await compare(brokers, rule, steps, options);
    } catch (error) {
      console.log(`"${rule}" is played again: ${error instanceof Error ? error.message : error}`);
      await compare(brokers, rule, steps, options);
    }
  });
}

async function compare(
  brokers: readonly [Broker, Broker],
  rule: string,
  steps: (peer: Peer) => Promise<unknown>,
  options: CaseOptions,
): Promise<void> {
  const vhost = nameVhost();
  const [rabbitmq, embedded] = await both(brokers, async (broker) =>
    normalise(await withPeer(broker, vhost, steps), vhost),
  );
  await keep(rule, rabbitmq, embedded);
  if (options.known !== undefined) return await expectKnown(options.known, rabbitmq, embedded);
  const { version } = brokers[0];
  const older = options.older?.find(({ before }) => isBefore(version, before));
  const wanted = older === undefined ? embedded : asOlder(older, embedded);
  expect(wanted, `embedded (+) as RabbitMQ ${version} (-)`).toEqual(rabbitmq);
}

function asOlder({ saw, newer, because }: Older, embedded: unknown): unknown {
  const older = saw(embedded);
  expect(older, `no difference: ${because}`).not.toEqual(embedded);
  if (newer !== undefined) expect({ embedded }).toMatchObject({ embedded: newer });
  return older;
}

async function expectKnown(known: Known, rabbitmq: unknown, embedded: unknown): Promise<void> {
  expect(isDeepStrictEqual(rabbitmq, embedded), `${known.id} is no difference any more`).toBe(
    false,
  );
  expect({ rabbitmq, embedded }).toEqual({ rabbitmq: known.rabbitmq, embedded: known.embedded });
  const docs = await readFile(new URL("../../docs/embedded.md", import.meta.url), "utf8");
  expect(docs).toContain(`\n| ${known.id} |`);
}

// Waits for both, since what one leaves behind would fall into the next case.
export async function both<T>(
  brokers: readonly [Broker, Broker],
  see: (broker: Broker) => Promise<T>,
) {
  const [first, second] = await Promise.allSettled([see(brokers[0]), see(brokers[1])]);
  const failures = [first, second].flatMap((one, at) =>
    one.status === "rejected" ? [`${brokers[at]?.name}: ${one.reason?.stack ?? one.reason}`] : [],
  );
  if (first.status === "fulfilled" && second.status === "fulfilled") {
    return [first.value, second.value] as const;
  }
  throw new Error(failures.join("\n"));
}

/** CONFORMANCE_ANSWERS names a file that what was seen is appended to, for people. */
async function keep(rule: string, rabbitmq: unknown, embedded: unknown): Promise<void> {
  const { CONFORMANCE_ANSWERS: file } = process.env;
  if (file === undefined) return;
  const text = (one: unknown) =>
    inspect(one, { depth: 20, breakLength: 140, maxStringLength: 300 });
  const other = isDeepStrictEqual(rabbitmq, embedded) ? "" : `\nrabbitmq: ${text(rabbitmq)}`;
  await appendFile(file, `## ${rule}\n${text(embedded)}${other}\n\n`);
}

/** Whether a version comes before another. */
export function isBefore(version: string, other: string): boolean {
  return version.localeCompare(other, "en", { numeric: true }) < 0;
}
