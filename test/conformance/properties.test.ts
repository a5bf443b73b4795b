import { conforms } from "./case.ts";
import type { Request } from "./client.ts";
import { whole } from "./observe.ts";
import { each } from "./peers.ts";
import { changed } from "./versions.ts";

const publishWith = (options: object): Request => {
  return async (ch, { publish }) => {
    await ch.assertQueue("q");
    const outcome = await publish("", "q", "1", options);
    const message = await ch.get("q", { noAck: true });
    return [outcome, message && whole(message)];
  };
};

conforms("an expiration is a number of milliseconds as text", (peer) =>
  peer.answers(
    each(
      {
        number: "60000",
        negative: "-1",
        fraction: "1.5",
        empty: "",
        word: "soon",
        "number and word": "60000ms",
        space: " 60000",
        "most of all": "4294967295",
        "one more": "4294967296",
        year: "31536000000",
        "ten years and more": "315360000001",
      },
      (expiration) => publishWith({ expiration }),
    ),
  ),
);

conforms(
  "an expiration is passed on as the number that it is",
  async (peer) => {
    const client = await peer.connect();
    const channel = await client.channel();
    await channel.raw.assertQueue("q");
    const seen: Record<string, unknown> = {};
    for (const expiration of ["0060000", "+60000"]) {
      await channel.publish("", "q", "1", { expiration });
      seen[expiration] = (await channel.take("q")).properties.expiration;
    }
    return seen;
  },
  {
    older: [
      changed(
        "4.0.0",
        "it was passed on as it was",
        { "0060000": "60000", "+60000": "60000" },
        { "0060000": "0060000", "+60000": "+60000" },
      ),
    ],
  },
);

conforms(
  "a delivery mode is any number",
  async (peer) => {
    const client = await peer.connect();
    return await client.answer(async (ch, { publish, take }) => {
      await ch.assertQueue("q");
      await publish("", "q", "1", { deliveryMode: 3 });
      return (await take("q")).properties.deliveryMode;
    });
  },
  {
    older: [
      changed(
        "4.0.0",
        "it was 1 or 2",
        3,
        "channel 406 PRECONDITION_FAILED - invalid message: {delivery_mode_unknown,3} (60.40)",
      ),
    ],
  },
);

conforms("the user of a message is the one who publishes it", (peer) =>
  peer.answers({
    own: publishWith({ userId: "guest" }),
    another: publishWith({ userId: "somebody" }),
    empty: publishWith({ userId: "" }),
  }),
);

conforms("priorities and delivery modes are passed on as they are", (peer) =>
  peer.answers({
    "priority 0": publishWith({ priority: 0 }),
    "priority 255": publishWith({ priority: 255 }),
    transient: publishWith({ deliveryMode: 1 }),
    persistent: publishWith({ deliveryMode: 2 }),
    "time 0": publishWith({ timestamp: 0 }),
    "a great time": publishWith({ timestamp: 2 ** 40 }),
    "empty texts": publishWith({ contentType: "", messageId: "", correlationId: "", type: "" }),
    "long texts": publishWith({ messageId: "m".repeat(255), appId: "ö".repeat(100) }),
  }),
);

conforms("headers of every type are passed on", async (peer) => {
  const typed = (type: string, value: unknown) => ({ "!": type, value });
  const headers = {
    text: "→",
    empty: "",
    "negative byte": typed("byte", -1),
    "unsigned byte": typed("uint8", 200),
    short: typed("short", -300),
    "unsigned short": typed("uint16", 60_000),
    int: typed("int", -70_000),
    "unsigned int": typed("uint32", 4_000_000_000),
    long: typed("long", 2 ** 50),
    float: typed("float", 0.5),
    double: 0.1,
    decimal: typed("decimal", { places: 2, digits: 314 }),
    yes: true,
    no: false,
    void: null,
    bytes: Buffer.from([0, 255]),
    list: [1, "a", [true, null], { a: 1 }],
    "empty list": [],
    table: { a: { b: { c: [{}] } } },
    [`k${"e".repeat(127)}y`]: 1,
  };
  const client = await peer.connect();
  return await client.answer(publishWith({ headers }));
});

conforms("CC and BCC are lists of keys", (peer) =>
  peer.answers({
    make: async (ch) => {
      for (const queue of ["q", "r", "s"]) await ch.assertQueue(queue);
    },
    both: async (ch, { publish, take }) => {
      await publish("", "q", "1", { CC: ["r"], BCC: ["s", "q"] });
      const messages = [];
      for (const queue of ["q", "r", "s"]) messages.push(whole(await take(queue)));
      return [messages, await ch.checkQueue("q")];
    },
    "CC as text": (_, { publish }) => publish("", "q", "1", { headers: { CC: "r" } }),
    "BCC as a number": (_, { publish }) => publish("", "q", "1", { headers: { BCC: 1 } }),
    "CC of numbers": (_, { publish }) => publish("", "q", "1", { headers: { CC: [1, 2] } }),
    "CC of both": (_, { publish }) => publish("", "q", "1", { headers: { CC: ["r", 2] } }),
    "empty ones": (_, { publish }) => publish("", "q", "1", { CC: [], BCC: [] }),
    "no route but by BCC": (_, { publish }) =>
      publish("", "gone", "1", { BCC: ["r"], mandatory: true }),
    "in lower case": (_, { publish }) =>
      publish("", "gone", "1", { headers: { cc: ["r"] }, mandatory: true }),
  }),
);
