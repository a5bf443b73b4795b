import { conforms } from "./case.ts";
import { briefs } from "./observe.ts";
import type { Peer } from "./peers.ts";
import { changed } from "./versions.ts";

/** What two consumers of one channel have, with these prefetches of one and of all of them. */
async function twoConsumers(
  peer: Peer,
  type: string,
  prefetches: readonly (readonly [number, boolean])[],
) {
  const client = await peer.connect();
  return await client.answer(async (ch, { fill, consume }) => {
    await ch.assertQueue("q", { arguments: { "x-queue-type": type } });
    await fill("q", ["1", "2", "3", "4", "5", "6"]);
    for (const [count, isGlobal] of prefetches) await ch.prefetch(count, isGlobal);
    const consumers = [await consume("q"), await consume("q")];
    await client.quiet();
    return consumers.map(({ messages }) => briefs(messages));
  });
}

const WHY = "a prefetch of a channel counted for all of its consumers together";

conforms(
  "a prefetch of a channel is one of each consumer",
  (peer) => twoConsumers(peer, "classic", [[3, true]]),
  { older: [changed("4.3.0", WHY, ["1, 2, 3", "4, 5, 6"], ["1, 2, 3", ""])] },
);

conforms(
  "the last prefetch counts, whether of a consumer or of a channel",
  (peer) =>
    twoConsumers(peer, "classic", [
      [2, false],
      [3, true],
    ]),
  { older: [changed("4.3.0", WHY, ["1, 2, 3", "4, 5, 6"], ["1, 2", "3"])] },
);

conforms(
  "a prefetch of a channel is one of each consumer of a quorum queue",
  (peer) => twoConsumers(peer, "quorum", [[3, true]]),
  {
    older: [
      changed(
        "4.3.0",
        "a quorum queue could not count for others",
        ["1, 2, 3", "4, 5, 6"],
        "connection 540 NOT_IMPLEMENTED - queue 'q' in vhost '<vhost>' does not support global qos",
      ),
    ],
  },
);
