import { conforms } from "./case.ts";
import { each } from "./peers.ts";
import { changed } from "./versions.ts";

const STREAM = { arguments: { "x-queue-type": "stream" } };
const unused = () => undefined;

conforms(
  "a consumer of a stream needs a prefetch and has to ack",
  (peer) =>
    peer.answers({
      make: (ch) => ch.assertQueue("s", STREAM),
      "no prefetch": (ch) => ch.consume("s", unused),
      "no prefetch, no ack": (ch) => ch.consume("s", unused, { noAck: true }),
      "no ack": async (ch) => {
        await ch.prefetch(1);
        return await ch.consume("s", unused, { noAck: true });
      },
    }),
  {
    older: [
      changed(
        "4.0.0",
        "the texts were others",
        {
          "no prefetch":
            "channel 406 PRECONDITION_FAILED - consumer prefetch count is not set for stream queue 's' in vhost '<vhost>' (60.20)",
          "no ack":
            "connection 540 NOT_IMPLEMENTED - automatic acknowledgement not supported by stream queue 's' in vhost '<vhost>'",
        },
        {
          "no prefetch":
            "channel 406 PRECONDITION_FAILED - consumer prefetch count is not set for 'queue 's' in vhost '<vhost>'' (60.20)",
          "no prefetch, no ack":
            "channel 406 PRECONDITION_FAILED - consumer prefetch count is not set for 'queue 's' in vhost '<vhost>'' (60.20)",
          "no ack":
            "connection 540 NOT_IMPLEMENTED - automatic acknowledgement not supported by stream queues queue 's' in vhost '<vhost>'",
        },
      ),
    ],
  },
);

conforms("a consumer of a stream may be exclusive, but has no priority", (peer) =>
  peer.answers({
    make: (ch) => ch.assertQueue("s", STREAM),
    exclusive: async (ch) => {
      await ch.prefetch(1);
      return await ch.consume("s", unused, { exclusive: true, consumerTag: "tag" });
    },
    priority: async (ch) => {
      await ch.prefetch(1);
      return await ch.consume("s", unused, { priority: 1 });
    },
  }),
);

const unknown = (offset: string) =>
  `channel 406 PRECONDITION_FAILED - invalid arg 'x-stream-offset' for queue 's' in vhost '<vhost>': {invalid_stream_offset_arg,{longstr,<<${offset}>>}} (60.20)`;
const CRASH = "connection 541 INTERNAL_ERROR";

conforms(
  "an offset is one of three words, a number, a time or an interval",
  (peer) =>
    peer.answers({
      make: (ch) => ch.assertQueue("s", STREAM),
      ...each<unknown>(
        { word: "second", empty: "", negative: -1, interval: "1x", "number as text": "1" },
        (offset) => async (ch) => {
          await ch.prefetch(1);
          const args = { "x-stream-offset": offset };
          return await ch.consume("s", unused, { arguments: args, consumerTag: "tag" });
        },
      ),
    }),
  {
    older: [
      changed(
        "4.3.0",
        "the channel failed over what is no offset",
        { word: unknown('"second"'), empty: unknown("") },
        { word: CRASH, empty: CRASH },
      ),
    ],
  },
);
