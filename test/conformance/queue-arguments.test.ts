import { ANYTHING, declareEach } from "./arguments.ts";
import { conforms } from "./case.ts";
import { each } from "./peers.ts";
import { changed } from "./versions.ts";

for (const argument of ["x-expires", "x-message-ttl", "x-max-length", "x-max-length-bytes"]) {
  conforms(`${argument} of a classic queue is a number in its range`, (peer) =>
    declareEach(peer, "classic", argument),
  );
}

conforms("x-max-priority of a classic queue is at most 255", (peer) =>
  declareEach(peer, "classic", "x-max-priority", { ...ANYTHING, "255": 255, "256": 256 }),
);

conforms("x-dead-letter-exchange of a classic queue is text", (peer) =>
  declareEach(peer, "classic", "x-dead-letter-exchange"),
);

conforms(
  "x-dead-letter-routing-key of a classic queue is text and needs an exchange",
  async (peer) => {
    const argument = "x-dead-letter-routing-key";
    return {
      alone: await declareEach(peer, "classic", argument),
      together: await declareEach(peer, "classic", argument, ANYTHING, {
        "x-dead-letter-exchange": "x",
      }),
    };
  },
);

const OVERFLOW = {
  "drop-head": "drop-head",
  "reject-publish": "reject-publish",
  "reject-publish-dlx": "reject-publish-dlx",
  another: "drop-tail",
};

conforms("x-overflow of a classic queue is one of three words", (peer) =>
  declareEach(peer, "classic", "x-overflow", { ...ANYTHING, ...OVERFLOW }),
);

conforms("x-single-active-consumer of a classic queue is a boolean", (peer) =>
  declareEach(peer, "classic", "x-single-active-consumer"),
);

conforms(
  "x-queue-mode of a classic queue is not looked at",
  (peer) =>
    declareEach(peer, "classic", "x-queue-mode", { lazy: "lazy", another: "eager", number: 1 }),
  {
    older: [
      changed(
        "4.3.0",
        "lazy queues were another mode",
        { another: "ok", number: "ok" },
        {
          another: `channel 406 PRECONDITION_FAILED - invalid arg 'x-queue-mode' for queue 'q' in vhost '<vhost>': "unsupported queue mode 'eager'" (50.10)`,
          number: `channel 406 PRECONDITION_FAILED - invalid arg 'x-queue-mode' for queue 'q' in vhost '<vhost>': {unacceptable_type,byte} (50.10)`,
        },
      ),
    ],
  },
);

conforms(
  "x-queue-version of a classic queue is 2",
  (peer) =>
    declareEach(peer, "classic", "x-queue-version", {
      one: 1,
      two: 2,
      three: 3,
      negative: -1,
      text: "2",
    }),
  {
    older: [
      changed(
        "4.3.0",
        "there was a version 1",
        {
          one: `channel 406 PRECONDITION_FAILED - invalid arg 'x-queue-version' for queue 'q' in vhost '<vhost>': "unsupported queue version '1'" (50.10)`,
        },
        { one: "ok" },
      ),
    ],
  },
);

conforms(
  "x-queue-type is one of three words, or none",
  (peer) =>
    peer.answers(
      each<unknown>(
        {
          quorum: "quorum",
          stream: "stream",
          another: "fast",
          capital: "Quorum",
          empty: "",
          one: 1,
        },
        (value) => async (ch) => {
          await ch.assertQueue("q", { arguments: { "x-queue-type": value } });
          await ch.deleteQueue("q");
        },
      ),
    ),
  {
    older: [
      changed(
        "4.3.0",
        "an empty queue type was none that is known",
        { empty: "ok" },
        {
          empty: `channel 406 PRECONDITION_FAILED - invalid arg 'x-queue-type' for queue 'q' in vhost '<vhost>': "unsupported queue type ''" (50.10)`,
        },
      ),
    ],
  },
);

conforms("an argument that no type knows is taken as it is", (peer) =>
  declareEach(peer, "classic", "x-mesage-ttl"),
);

conforms("of several wrong arguments the same one is named", (peer) =>
  peer.answers({
    "ttl and expires": (ch) => ch.assertQueue("q", { messageTtl: -1, expires: 0 }),
    "length and ttl": (ch) => ch.assertQueue("q", { maxLength: -1, messageTtl: -1 }),
    "priority and length": (ch) => ch.assertQueue("q", { maxPriority: 500, maxLength: -1 }),
    "overflow and key": (ch) => ch.assertQueue("q", { overflow: "x", deadLetterRoutingKey: "k" }),
    "another type's and a wrong one": (ch) =>
      ch.assertQueue("q", { arguments: { "x-delivery-limit": 1, "x-message-ttl": -1 } }),
    "name and argument": (ch) => ch.assertQueue("amq.q", { messageTtl: -1 }),
  }),
);
