import { conforms } from "./case.ts";
import { byKey, keys, route } from "./routing.ts";

conforms("a direct exchange compares keys as they are", (peer) =>
  route(
    peer,
    "direct",
    { ...byKey("a", "A", "a.b", "*", "#", "", "ä"), both: [{ key: "a" }, { key: "b" }] },
    keys("a", "A", "b", "a.b", "*", "#", "", "ä", "c", "a "),
  ),
);

conforms("a fanout exchange does not look at keys", (peer) =>
  route(
    peer,
    "fanout",
    { ...byKey("a", "b"), twice: [{ key: "a" }, { key: "b" }] },
    keys("a", "c", ""),
  ),
);

conforms("a topic exchange matches a word with * and any number of words with #", (peer) =>
  route(
    peer,
    "topic",
    byKey("a", "*", "#", "a.*", "a.#", "*.b", "#.b", "a.*.c", "a.#.c", "*.*", "*.#", "#.*", "#.#"),
    keys("a", "b", "a.b", "a.c", "a.b.c", "a.b.b.c", "b.b", "a.b.b", "c"),
  ),
);

conforms("a topic exchange counts empty words", (peer) =>
  route(
    peer,
    "topic",
    byKey(
      "",
      "*",
      "#",
      ".",
      "*.*",
      "a.",
      ".a",
      "a.*",
      "*.a",
      "a..b",
      "a.*.b",
      "a.#",
      "a.#.b",
      "*.*.*",
    ),
    keys("", ".", "..", "a", "a.", ".a", "a..b", "a..", "..a", "a.b"),
  ),
);

conforms("a topic exchange takes * and # for wildcards only as whole words", (peer) =>
  route(
    peer,
    "topic",
    byKey("a*", "a#", "*a", "a*.b", "**", "##", "a.##", "* ", "A.b", "a.B"),
    keys("a", "ab", "a*", "a#", "aa", "a*.b", "ab.b", "**", "##", "a.##", "* ", "a.b", "A.b"),
  ),
);

conforms("a topic exchange matches wildcards in several places", (peer) =>
  route(
    peer,
    "topic",
    byKey("#.a.#", "#.a.#.b", "*.#.*", "#.*.#", "a.#.*", "#.#.a", "*.a.#", "#.a.*", "a.*.#.b.*"),
    keys("a", "a.a", "a.b", "x.a.y", "x.a.y.b", "a.x.b.y", "a.x.x.b.y", "a.b.b", "b.a", "x.y"),
  ),
);

conforms("a topic exchange matches many words, and wildcards of a message as words", (peer) => {
  const many = Array.from({ length: 50 }, (_, at) => `w${at}`).join(".");
  return route(
    peer,
    "topic",
    byKey("#.w49", "w0.#", "w0.#.w25.#.w49", "#.w49.#.w48", "*.b", "a.#"),
    keys(many, "*.b", "#.b", "a.*", "#", "*"),
  );
});

conforms("a queue that several bindings match gets a message once", (peer) =>
  route(
    peer,
    "topic",
    {
      q: [{ key: "a.*" }, { key: "*.b" }, { key: "#" }, { key: "a.b" }],
      arguments: [{ key: "#", args: { n: 1 } }, { key: "#", args: { n: 2 } }, { key: "#" }],
    },
    keys("a.b", "a.c", "c"),
  ),
);

conforms("the default exchange reaches the queue that has the key's name", (peer) =>
  peer.answers({
    make: (ch) => ch.assertQueue("q"),
    there: (_, { publish }) => publish("", "q", "a", { mandatory: true }),
    absent: (_, { publish }) => publish("", "gone", "a", { mandatory: true }),
    "absent, not mandatory": (_, { publish }) => publish("", "gone", "a"),
    "no name": (_, { publish }) => publish("", "", "a", { mandatory: true }),
    "CC to another": async (ch, { publish }) => {
      await ch.assertQueue("r");
      await publish("", "q", "a", { CC: ["r", "gone"] });
      return [await ch.checkQueue("q"), await ch.checkQueue("r")];
    },
  }),
);
