import { expect, test } from "vitest";
import { decodeJson } from "../../src/events/json.ts";
import { createRandom } from "../support/random.ts";

const nested = (depth: number) => "[".repeat(depth) + "]".repeat(depth);

test.each([
  ["nothing", "", "the body is empty"],
  ["white space", " ", /^the body is not JSON/],
  ["no JSON", "{a:1}", /^the body is not JSON/],
  ["a byte order mark", "\ufeff{}", "the body begins with a byte order mark"],
  ["bytes that are not UTF-8", Buffer.from([0x22, 0xff, 0x22]), "the body is not UTF-8"],
  ["UTF-16", Buffer.from('{"a":"é"}', "utf16le"), "the body is not UTF-8"],
  ["an encoded surrogate", Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]), "the body is not UTF-8"],
  ["an escaped lone surrogate", '{"a":["\\ud800"]}', "a string of the body has a lone surrogate"],
  ["a lone surrogate as a key", '{"\\udc00":1}', "a string of the body has a lone surrogate"],
  ["a key __proto__", '{"a":{"__proto__":{}}}', "the body has a key __proto__"],
  ["a hidden key __proto__", '{"\\u005f_proto__":{}}', "the body has a key __proto__"],
  ["65 levels", nested(65), "the body is nested 65 levels deep, at most 64 are taken"],
  [
    "65 levels around a string",
    `["]]]]${'\\"'}",${nested(64)}]`,
    "the body is nested 65 levels deep, at most 64 are taken",
  ],
  ["49,000 levels", nested(49_000), "the body is nested 49000 levels deep, at most 64 are taken"],
  [
    "500,000 open brackets",
    "[".repeat(500_000),
    "the body is nested 500000 levels deep, at most 64 are taken",
  ],
  [
    "20,001 values",
    `[${"0,".repeat(19_999)}0]`,
    "the body has 20001 values, at most 20000 are taken",
  ],
  [
    "as many in objects of one member",
    `[${'{"a, b": [ ]} , '.repeat(10_000)}0]`,
    "the body has 20002 values, at most 20000 are taken",
  ],
])("%s is refused", (_what, body, message) => {
  expect(decodeJson(Buffer.from(body))).toEqual({
    ok: false,
    message: typeof message === "string" ? message : expect.stringMatching(message),
  });
});

test.each([
  ["null"],
  ['""'],
  ["1e999"],
  ['"\\ud83d\\ude00 😀"'],
  ['{"a":"__proto__"}'],
  ['{"constructor":{"prototype":1}}'],
  [nested(64)],
  [`["${"[".repeat(200)}"]`],
  [`["\\\\","${'\\"['.repeat(100)}"]`],
  [` [${"[],".repeat(500)}[]] `],
  [`[${"0,".repeat(19_998)}0]`],
  [`[${'{"a, b": [ ]} , '.repeat(9_999)}0]`],
])("%j is taken as JSON.parse takes it", (body) => {
  expect(decodeJson(Buffer.from(body))).toEqual({ ok: true, value: JSON.parse(body) });
});

test("random and damaged bytes never throw, and what is taken is what JSON.parse takes", () => {
  const random = createRandom(3);
  const sample = Buffer.from('{"a":["\\u00e9\\"",{"b":-1.5e3,"ü":[true,null,"[{"]}],"__prot":{}}');
  for (let round = 0; round < 20_000; round++) {
    const body =
      round % 2
        ? Buffer.from(sample)
        : Buffer.from(random.list(random.below(40), () => random.below(256)));
    for (let count = random.below(4); count > 0 && body.length > 0; count--) {
      body[random.below(body.length)] = random.pick([random.below(256), 0x22, 0x5c, 0x5b, 0x7d]);
    }
    const decoded = decodeJson(body);
    if (decoded.ok) expect(decoded.value).toEqual(JSON.parse(body.toString()));
  }
});
