import { expect, test } from "vitest";
import { didYouMean, suggest } from "../../src/loader/suggest.ts";

const names = ["orders", "order-returns", "books", "ttl", "deadLetter", "x-message-ttl"];

test.each([
  ["order", "orders"],
  ["ordres", "orders"],
  ["Books", "books"],
  ["ttll", "ttl"],
  ["tll", "ttl"],
  ["deadletter", "deadLetter"],
  ["x-mesage-ttl", "x-message-ttl"],
  ["payments", null],
  ["a", null],
  ["", null],
  ["__proto__", null],
])("%j means %j", (word, meant) => {
  expect(suggest(word, names)).toBe(meant);
});

test("without a close candidate nothing is suggested", () => {
  expect(didYouMean("receipts", ["orders"])).toBe("");
  expect(didYouMean("recipts", ["orders", "receipts"])).toBe('; did you mean "receipts"?');
});
