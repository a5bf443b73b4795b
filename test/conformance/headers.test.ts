import { conforms } from "./case.ts";
import { each, type Peer } from "./peers.ts";
import { type Binding, route, type Sent } from "./routing.ts";
import { changed } from "./versions.ts";

const typed = (type: string, value: unknown) => ({ "!": type, value });
const bound = (args: object): readonly Binding[] => [{ args }];
const sent = (headers: object): Sent => ({ options: { headers } });

conforms("a headers exchange matches all, or any", (peer) =>
  route(
    peer,
    "headers",
    {
      all: bound({ "x-match": "all", a: "1", b: "2" }),
      any: bound({ "x-match": "any", a: "1", b: "2" }),
      default: bound({ a: "1", b: "2" }),
      none: bound({}),
      "all of none": bound({ "x-match": "all" }),
      "any of none": bound({ "x-match": "any" }),
    },
    {
      both: sent({ a: "1", b: "2" }),
      more: sent({ a: "1", b: "2", c: "3" }),
      one: sent({ a: "1" }),
      "another value": sent({ a: "1", b: "3" }),
      "other case": sent({ A: "1", b: "2" }),
      "none of them": sent({ c: "3" }),
      "no headers": {},
    },
  ),
);

conforms("a headers exchange leaves out arguments that begin with x-, unless told not to", (peer) =>
  route(
    peer,
    "headers",
    {
      all: bound({ "x-match": "all", "x-a": "1", b: "2" }),
      any: bound({ "x-match": "any", "x-a": "1", b: "2" }),
      "all with": bound({ "x-match": "all-with-x", "x-a": "1", b: "2" }),
      "any with": bound({ "x-match": "any-with-x", "x-a": "1", b: "2" }),
      "all, x- alone": bound({ "x-match": "all", "x-a": "1" }),
      "any, x- alone": bound({ "x-match": "any", "x-a": "1" }),
      "all with, none": bound({ "x-match": "all-with-x" }),
      "any with, none": bound({ "x-match": "any-with-x" }),
    },
    {
      both: sent({ "x-a": "1", b: "2" }),
      "x-": sent({ "x-a": "1" }),
      b: sent({ b: "2" }),
      "another x-": sent({ "x-a": "2", b: "2" }),
      "x-match": sent({ "x-match": "all" }),
      nothing: sent({}),
    },
  ),
);

// One value in a binding, and messages with the same and with others.
const VALUES: Readonly<Record<string, unknown>> = {
  one: 1,
  "one, as long": typed("long", 1),
  "one, as unsigned": typed("uint32", 1),
  "one, as double": typed("double", 1),
  "one, as float": typed("float", 1),
  "one as text": "1",
  true: true,
  "true as text": "true",
  void: null,
  "empty text": "",
  half: 0.5,
  "half, as float": typed("float", 0.5),
  time: typed("timestamp", 1),
  bytes: Buffer.from("1"),
  list: [1, "a"],
  table: { a: 1 },
};

function routeEach(peer: Peer, match: string) {
  const bindings = Object.entries(VALUES).map(([name, value]) => [
    `(${name})`,
    bound({ "x-match": match, h: value }),
  ]);
  const messages = Object.entries(VALUES).map(([name, h]) => [name, sent({ h })]);
  return route(peer, "headers", Object.fromEntries(bindings), {
    ...Object.fromEntries(messages),
    absent: sent({}),
  });
}

const WHOLE = "ack: (one) (one, as long) (one, as unsigned) (void) (time)";
const FRACTIONS = "ack: (one, as double) (one, as float) (void)";
const ONES =
  "ack: (one) (one, as long) (one, as unsigned) (one, as double) (one, as float) (void) (time)";

for (const match of ["all", "any"]) {
  conforms(
    `a headers exchange compares values as numbers or as they are, void with anything: ${match}`,
    (peer) => routeEach(peer, match),
    {
      older: [
        changed(
          "4.0.0",
          "whole numbers, fractions and times were compared as numbers",
          {
            one: WHOLE,
            "one, as long": WHOLE,
            "one, as unsigned": WHOLE,
            "one, as double": FRACTIONS,
            "one, as float": FRACTIONS,
            time: "ack: (void)",
          },
          {
            one: ONES,
            "one, as long": ONES,
            "one, as unsigned": ONES,
            "one, as double": ONES,
            "one, as float": ONES,
            time: ONES,
          },
        ),
      ],
    },
  );
}

conforms("x-match is one of four words", (peer) =>
  peer.answers({
    make: async (ch) => {
      await ch.assertQueue("q");
      await ch.assertExchange("x", "headers");
    },
    ...each<unknown>(
      {
        all: "all",
        any: "any",
        "all-with-x": "all-with-x",
        "any-with-x": "any-with-x",
        another: "some",
        capital: "All",
        empty: "",
        number: 1,
        void: null,
        boolean: true,
      },
      (value) => (ch) => ch.bindQueue("q", "x", "", { "x-match": value, a: "1" }),
    ),
    "not looked at elsewhere": (ch) => ch.bindQueue("q", "amq.topic", "", { "x-match": "some" }),
    "to an exchange": (ch) => ch.bindExchange("amq.direct", "x", "", { "x-match": "some" }),
    "no such queue": (ch) => ch.bindQueue("gone", "x", "", { "x-match": "some" }),
    unbind: (ch) => ch.unbindQueue("q", "x", "", { "x-match": "some" }),
  }),
);

conforms("a headers exchange does not look at keys, but they tell bindings apart", (peer) =>
  peer.answers({
    route: async (ch, { publish }) => {
      await ch.assertQueue("q");
      await ch.bindQueue("q", "amq.headers", "k", { a: "1" });
      await ch.bindQueue("q", "amq.headers", "l", { a: "1" });
      await publish("amq.headers", "m", "a", { headers: { a: "1" } });
      return await ch.purgeQueue("q");
    },
    "one is unbound": async (ch, { publish }) => {
      await ch.unbindQueue("q", "amq.headers", "k", { a: "1" });
      return await publish("amq.headers", "m", "a", { headers: { a: "1" }, mandatory: true });
    },
    "both are": async (ch, { publish }) => {
      await ch.unbindQueue("q", "amq.headers", "l", { a: "1" });
      return await publish("amq.headers", "m", "a", { headers: { a: "1" }, mandatory: true });
    },
  }),
);
