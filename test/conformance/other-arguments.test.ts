import type { Older } from "./case.ts";
import { conforms } from "./case.ts";
import { each } from "./peers.ts";
import { changed } from "./versions.ts";

// Every argument that some type knows, with a value that its type takes.
const KNOWN: Readonly<Record<string, unknown>> = {
  "x-expires": 60_000,
  "x-message-ttl": 60_000,
  "x-dead-letter-exchange": "x",
  "x-dead-letter-strategy": "at-most-once",
  "x-max-length": 10,
  "x-max-length-bytes": 10_000,
  "x-overflow": "drop-head",
  "x-max-priority": 5,
  "x-single-active-consumer": true,
  "x-queue-mode": "lazy",
  "x-queue-version": 2,
  "x-queue-leader-locator": "client-local",
  "x-delivery-limit": 5,
  "x-quorum-initial-group-size": 1,
  "x-max-in-memory-length": 5,
  "x-max-in-memory-bytes": 500,
  "x-max-age": "1h",
  "x-stream-max-segment-size-bytes": 1_000_000,
  "x-stream-filter-size-bytes": 16,
  "x-initial-cluster-size": 1,
  "x-consumer-timeout": 60_000,
  "x-consumer-disconnected-timeout": 60_000,
  "x-delayed-retry-type": "failed",
  "x-delayed-retry-min": 1_000,
  "x-delayed-retry-max": 10_000,
};

// What became of an argument before the version that knows it.
const TAKEN = {
  "x-consumer-timeout": "ok",
  "x-consumer-disconnected-timeout": "ok",
  "x-delayed-retry-type": "ok",
  "x-delayed-retry-min": "ok",
  "x-delayed-retry-max": "ok",
};
const WHY = "an argument that no type knew yet was taken";

function refused(type: string, ...args: readonly string[]): Readonly<Record<string, string>> {
  const text = (argument: string) =>
    `channel 406 PRECONDITION_FAILED - invalid arg '${argument}' for queue 'q' in vhost '<vhost>' of queue type rabbit_${type}_queue (50.10)`;
  return Object.fromEntries(args.map((argument) => [argument, text(argument)]));
}

const later = (type: string) => refused(type, ...Object.keys(TAKEN));
const FILTER = "x-stream-filter-size-bytes";
const LOCATOR = "x-queue-leader-locator";

const OLDER: Readonly<Record<string, readonly Older[]>> = {
  classic: [
    changed(
      "4.0.0",
      `${WHY}, and a classic queue had no leader`,
      { ...later("classic"), ...refused("classic", FILTER), [LOCATOR]: "ok" },
      { ...TAKEN, [FILTER]: "ok", ...refused("classic", LOCATOR) },
    ),
    changed(
      "4.3.0",
      WHY,
      { ...later("classic"), ...refused("classic", FILTER) },
      { ...TAKEN, [FILTER]: "ok" },
    ),
  ],
  quorum: [changed("4.3.0", WHY, refused("quorum", FILTER), { [FILTER]: "ok" })],
  stream: [changed("4.3.0", WHY, later("stream"), TAKEN)],
};

for (const [type, older] of Object.entries(OLDER)) {
  conforms(
    `a ${type} queue refuses the arguments of other types`,
    (peer) =>
      peer.answers(
        each(KNOWN, (value, argument) => async (ch) => {
          await ch.assertQueue("q", { arguments: { "x-queue-type": type, [argument]: value } });
          await ch.deleteQueue("q");
        }),
      ),
    { older },
  );
}
