import { expect, test } from "vitest";
import { nameTaker, pascalCase } from "../../src/codegen/names.ts";

test.each([
  ["book.created", "BookCreated"],
  ["book.price_changed", "BookPriceChanged"],
  ["x-y.z_1", "XYZ1"],
  ["v2beta.sent", "V2BetaSent"],
  ["HTTP.request", "HTTPRequest"],
  ["2fa.sent", "Event2FaSent"],
  ["caf\u00e9.open", "CafOpen"],
  ["\u0431.\u0432", "Event"],
  ["constructor", "Constructor"],
])("%s is named %s", (type, name) => {
  expect(pascalCase(type)).toBe(name);
});

test("the second that wants a name gets a number that is free", () => {
  const take = nameTaker();
  expect(["A", "A2", "A", "A", "B"].map(take)).toEqual(["A", "A2", "A3", "A4", "B"]);
});
