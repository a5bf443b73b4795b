/** Bodies that somebody sends who means no good. */
import type { Random } from "../support/random.ts";

const MIB = 1024 * 1024;

/** Texts of JSON values that are hard on somebody. */
const evil: readonly ((random: Random) => string)[] = [
  () => "null",
  () => "1e999",
  () => "-1e999",
  () => "5e-324",
  () => "123456789012345678901234567890",
  () => "-0",
  () => '"\\ud800"',
  () => '"\\udc00\\ud800"',
  () => '"\\u0000"',
  () => '"__proto__"',
  () => '{"__proto__":{"isAdmin":true}}',
  () => '{"\\u005f_proto__":1}',
  () => '{"constructor":{"prototype":{"x":1}}}',
  () => '{"toString":1,"hasOwnProperty":2,"length":-1}',
  () => '{"a":1,"a":2,"a":3}',
  (random) => "[".repeat(random.below(200)) + "]".repeat(random.below(200)),
  (random) => `${'{"a":'.repeat(random.below(100))}1${"}".repeat(random.below(100))}`,
  (random) => `"${random.pick(["a", "é", "\\u0061", "😀", "a@", "-", "/", " "]).repeat(300)}"`,
  (random) => `"${random.pick(["2026-11-25T", "a@b.", "http://", "::", "urn:uuid:", "P1Y"])}"`,
  (random) => `[${Array.from({ length: random.below(500) }, (_, n) => n).join()}]`,
];

/** Bodies of about 1 MiB: each takes some machine to its limits. */
export const bombs: Readonly<Record<string, () => string>> = {
  "open brackets": () => "[".repeat(MIB),
  "open braces": () => '{"a":'.repeat(MIB / 5),
  "empty lists": () => `[${"[],".repeat(MIB / 3 - 2)}[]]`,
  zeros: () => `[${"0,".repeat(MIB / 2 - 2)}0]`,
  "as many values as are taken": () => `[${"0,".repeat(19_990)}0]`,
  "as many fields as are taken": () => `{${fieldList(19_990, (n) => `field_${n}`)}}`,
  "fields whose names are numbers": () => `{${fieldList(19_990, (n) => String(n * 32_768))}}`,
  "numbers as texts that fill one bucket": () =>
    `[${Array.from({ length: 19_990 }, (_, n) => `"${(n % 512) * 32_768 + n * 2 ** 24}"`).join()}]`,
  "the same field": () => `{${fieldList(19_990, () => "a")}}`,
  "one long text": () => `{"book_id":"${"a".repeat(MIB - 20)}"}`,
  "one long name": () => `{"${"a/~".repeat(MIB / 3 - 20)}":1}`,
  "one long number": () => `{"price":${"9".repeat(MIB - 20)}}`,
  "one long fraction": () => `{"price":0.${"1".repeat(MIB - 20)}}`,
  "escapes alone": () => `{"title":"${"\\u0061".repeat(MIB / 6 - 20)}"}`,
  "a long e-mail address": () => `{"order_id":"1","user_id":"1","email":"${"a.".repeat(150)}@"}`,
  "many orders of books": () =>
    `{"order_id":"1","user_id":"2","books":[${'{"book_id":1,"quantity":"x"},'.repeat(6_000)}{}]}`,
  "white space": () => `{${" ".repeat(MIB - 2)}}`,
};

function fieldList(count: number, name: (index: number) => string): string {
  return Array.from({ length: count }, (_, n) => `"${name(n)}":0`).join();
}

/** A body near to one of the samples, or to nothing at all. */
export function fuzzedBody(random: Random, samples: readonly object[]): Buffer {
  const text = JSON.stringify(random.pick(samples));
  switch (random.below(5)) {
    case 0:
      return Buffer.from(random.list(random.below(60), () => random.below(256)));
    case 1:
      return damaged(random, Buffer.from(text));
    case 2:
      return Buffer.from(random.pick(evil)(random));
    case 3:
      return Buffer.from(
        `${text.slice(0, -1)},"extra_${random.below(9)}":${random.pick(evil)(random)}}`,
      );
    default:
      return Buffer.from(withEvil(random, text));
  }
}

function damaged(random: Random, body: Buffer): Buffer {
  for (let count = 1 + random.below(4); count > 0; count--) {
    const at = random.below(body.length);
    body[at] = random.pick([random.below(256), 0x22, 0x5c, 0x7b, 0x5d, 0x2c]);
  }
  return random.below(3) === 0 ? body.subarray(0, random.below(body.length)) : body;
}

/** One of its scalar values becomes something else. */
function withEvil(random: Random, text: string): string {
  const values = [...text.matchAll(/(?<=:)("[^"]*"|[\d.]+)/g)];
  const value = random.pick(values);
  return (
    text.slice(0, value.index) +
    random.pick(evil)(random) +
    text.slice(value.index + value[0].length)
  );
}
