import { expect, test } from "vitest";
import { namesOf } from "../../../src/runtime/host/thread/error-names.ts";

class Base extends Error {}
class Below extends Base {}

const circle = new Error("its own cause");
circle.cause = circle;
const hostile = {
  get code() {
    throw new Error("a getter");
  },
  name: "Hostile",
};
const refuse = () => {
  throw new Error("a trap");
};
const proxy = new Proxy({}, { getPrototypeOf: refuse, get: refuse });
const long = Array.from({ length: 100 }).reduce<Error | undefined>(
  (cause) => new Error("one of many", { cause }),
  undefined,
);

const thrown = [
  {
    name: "an error of Node's",
    error: Object.assign(new Error(), { code: "EPIPE" }),
    names: [["Error", "EPIPE"]],
  },
  { name: "a class below a class", error: new Below(), names: [["Error", "Below", "Base"]] },
  { name: "a code that is a number", error: { code: 1205 }, names: [["1205"]] },
  {
    name: "a cause",
    error: new Base("", { cause: new TypeError() }),
    names: [
      ["Error", "Base"],
      ["TypeError", "Error"],
    ],
  },
  { name: "a circle", error: circle, names: [["Error"]] },
  { name: "getters that throw", error: hostile, names: [["Hostile"]] },
  { name: "a proxy that throws", error: proxy, names: [[]] },
  { name: "a name that is too long", error: { name: "é".repeat(128) }, names: [[]] },
  { name: "no object", error: "EPIPE", names: [] },
  { name: "nothing", error: undefined, names: [] },
];

test.for(thrown)("the names of what was thrown, and of its causes: $name", ({ error, names }) => {
  expect(namesOf(error)).toEqual(names);
});

test("of a hundred causes the first sixteen are looked at", () => {
  expect(namesOf(long)).toHaveLength(16);
});
