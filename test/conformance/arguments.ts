/** Values for the arguments of queues, and what becomes of a queue that is declared with them. */
import { each, type Peer } from "./peers.ts";

/** One value of every type that a table can hold, and numbers at the ends of what could be meant. */
export const ANYTHING: Readonly<Record<string, unknown>> = {
  zero: 0,
  one: 1,
  "one, as long": { "!": "long", value: 1 },
  negative: -1,
  "five billion": { "!": "long", value: 5_000_000_000 },
  float: 1.5,
  "float without a fraction": { "!": "double", value: 2 },
  text: "1",
  "empty text": "",
  yes: true,
  void: null,
  table: { a: 1 },
  array: [1],
  time: { "!": "timestamp", value: 1 },
  bytes: Buffer.from("1"),
};

/** What becomes of a new queue of this type with each value of the argument. */
export function declareEach(
  peer: Peer,
  type: string,
  argument: string,
  values = ANYTHING,
  others: object = {},
) {
  return peer.answers(
    each(values, (value) => async (ch) => {
      const args = { "x-queue-type": type, ...others, [argument]: value };
      await ch.assertQueue("q", { arguments: args });
      await ch.deleteQueue("q");
    }),
  );
}
