/** A replacement in a test's vhost, with a journal that the test keeps itself. */
import { openManagement } from "../../../src/apply/inspect/management.ts";
import type { ReplaceContext, ReplaceProgress } from "../../../src/apply/replace/context.ts";
import type { Journal } from "../../../src/apply/replace/journal.ts";
import { type BrokerConnection, closeChannel } from "../../../src/broker-connection.ts";
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

export { closeChannel };
