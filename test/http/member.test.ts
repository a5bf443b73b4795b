import { expect, test } from "vitest";
import { memberBytes } from "../../src/http/member.ts";
import { createRandom, type Random } from "../support/random.ts";

test.each([
  ['{"message":1}', "1"],
  [
    ' { "a" : [ "}" , {"message":0} ] , "message" : { "n" : 12345678901234567890 } } ',
    '{ "n" : 12345678901234567890 }',
  ],
  ['{"message":"a,}\\"","b":2}', '"a,}\\""'],
  ['{"message":1,"message":[2,3]}', "[2,3]"],
  ['{"m\\u0065ssage":"ü"}', '"ü"'],
  ['{"a":"message"}', null],
  ["{}", null],
])("of %j the message is %j", (body, expected) => {
  expect(memberBytes(Buffer.from(body), "message")?.toString() ?? null).toBe(expected);
});

test("of any object it is what JSON.parse finds there", () => {
  const random = createRandom(5);
  for (let round = 0; round < 5_000; round++) {
    const body = JSON.stringify(randomObject(random, 0), null, random.below(3));
    const { message } = JSON.parse(body) as { message?: unknown };
    const bytes = memberBytes(Buffer.from(body), "message");
    expect(bytes === null ? undefined : JSON.parse(bytes.toString())).toEqual(message);
  }
});

function randomObject(random: Random, depth: number): Record<string, unknown> {
  const names = ["message", "a", "", '"', "\\", "{", "ü"];
  const members = random.list(random.below(5), () => [
    random.pick(names),
    randomValue(random, depth),
  ]);
  return Object.fromEntries(members);
}

function randomValue(random: Random, depth: number): unknown {
  const kind = random.below(depth > 3 ? 1 : 3);
  if (kind === 1) return randomObject(random, depth + 1);
  if (kind === 2) return random.list(random.below(4), () => randomValue(random, depth + 1));
  return random.pick([null, true, -1.5e30, "", "message", '"', "\\", "]},[{:"]);
}
