/** A replacement in a test's vhost, with a journal that the test keeps itself. */
import { openManagement } from "../../../src/apply/inspect/management.ts";
import type {
  Change,
  ReplaceContext,
  ReplaceProgress,
  ReplaceReport,
} from "../../../src/apply/replace/context.ts";
import type { Journal } from "../../../src/apply/replace/journal.ts";
import { replaceQueue } from "../../../src/apply/replace/replace.ts";
import type { BrokerConnection } from "../../../src/broker-connection.ts";
import { connectBroker } from "../../../src/connect.ts";
import type { Arguments } from "../../../src/topology.ts";
import type { Vhost } from "../../support/vhost.ts";

export const PROJECT = "test";

export type Replacing = {
  readonly context: ReplaceContext;
  /** Every one that was written, in order. */
  readonly journals: readonly (Journal | null)[];
  readonly progress: readonly ReplaceProgress[];
  close(): Promise<void>;
};

export type ReplacingOptions = Partial<Pick<ReplaceContext, "signal" | "stallMs">> & {
  /** Over AMQP alone. */
  readonly isBlind?: boolean;
  /** Of the broker for all but the lock's connection; a proxy's, say. */
  readonly spareUrl?: string;
  readonly onProgress?: (progress: ReplaceProgress) => void;
};

type Place = Pick<Vhost, "url" | "vhost" | "managementUrl">;

export async function openReplacing(
  vhost: Place,
  { isBlind = false, spareUrl = vhost.url, onProgress, ...rest }: ReplacingOptions = {},
): Promise<Replacing> {
  const connection = await connect(vhost.url, "test lock");
  const journals: (Journal | null)[] = [];
  const progress: ReplaceProgress[] = [];
  const { managementUrl } = vhost;
  const context: ReplaceContext = {
    project: PROJECT,
    connection,
    openSpare: (purpose) => connect(spareUrl, `test ${purpose}`),
    management: isBlind
      ? null
      : openManagement(
          { url: managementUrl, shown: managementUrl },
          { amqp: { url: vhost.url, shown: vhost.url }, vhost: vhost.vhost },
        ),
    // As it comes back from the state.
    writeJournal: async (journal) => void journals.push(JSON.parse(JSON.stringify(journal))),
    onProgress: (now) => {
      progress.push(now);
      onProgress?.(now);
    },
    ...rest,
  };
  return { context, journals, progress, close: () => connection.close() };
}

function connect(url: string, name: string): Promise<BrokerConnection> {
  return connectBroker({ addresses: [{ url, shown: url }], heartbeatMs: 5_000, name });
}

export const CLASSIC: Arguments = { "x-queue-type": "classic" };
export const QUORUM: Arguments = { "x-queue-type": "quorum", "x-delivery-limit": 1_000 };

/** Whether a change of arguments goes from one queue type to another, by its name: `c2q`. */
export const PAIRS: Readonly<Record<string, readonly [from: Arguments, to: Arguments]>> = {
  c2c: [CLASSIC, { ...CLASSIC, "x-message-ttl": 3_600_000 }],
  c2q: [CLASSIC, QUORUM],
  q2q: [QUORUM, { ...QUORUM, "x-message-ttl": 3_600_000 }],
  q2c: [QUORUM, CLASSIC],
};

/** Replaces a queue of this vhost, and closes what that took. */
export async function replace(
  vhost: Place,
  change: Pick<Change, "queue" | "from" | "to"> & Partial<Change>,
  options: ReplacingOptions = {},
): Promise<ReplaceReport> {
  const replacing = await openReplacing(vhost, options);
  try {
    return await replaceQueue(replacing.context, { bindings: [], ...change });
  } finally {
    await replacing.close();
  }
}

/** What is in the vhost: of the queue, and of what a replacement has made meanwhile. */
export async function leftovers({ management }: Vhost): Promise<readonly string[]> {
  const lists = await Promise.all(
    ["queues", "exchanges"].map((kind) =>
      management<{ name: string }[]>(`${kind}/{vhost}?disable_stats=true&enable_queue_totals=true`),
    ),
  );
  return lists
    .flatMap((list) => list ?? [])
    .map(({ name }) => name)
    .filter((name) => name.includes("~"));
}

/** Arguments and bindings of a queue, as the broker lists them. */
export async function describeQueue({ management }: Vhost, queue: string) {
  type Listed = { name: string; arguments: object };
  type Binding = { source: string; destination: string; routing_key: string; arguments: object };
  const queues = await management<Listed[]>("queues/{vhost}?disable_stats=true");
  const bindings = await management<Binding[]>("bindings/{vhost}");
  return {
    arguments: queues?.find(({ name }) => name === queue)?.arguments,
    bindings: bindings
      ?.filter(({ source, destination }) => source !== "" && destination === queue)
      .map(({ source, routing_key: key, arguments: args }) => [source, key, args])
      .sort(),
  };
}
