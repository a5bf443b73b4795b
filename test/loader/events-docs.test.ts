/** What docs/events.md says. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createEventReader } from "../../src/events/reader.ts";
import { load } from "../../src/loader/load.ts";
import { NUMBERS } from "../../src/numbers.ts";
import { messageOf } from "../events/reading.ts";
import { REPOSITORY } from "../support/processes.ts";

const page = readFileSync(join(REPOSITORY, "docs/events.md"), "utf8");

/** Of its table of encodings: name, content type, body. */
const rows = [...page.matchAll(/^\| ([\w ,.]+) \| `(application\/[\w+]+)` \| `(\{.+?\})`/gm)].map(
  ([, name = "", contentType = "", body = ""]) => ({ name, contentType, body }),
);

test("the encodings that it shows are one and the same event", () => {
  const loaded = load({ file: join(REPOSITORY, "topology.yaml"), env: {} });
  if (!loaded.ok) throw new Error("the bookshop is sound");
  const reader = createEventReader(loaded.topology.events);
  expect(rows.map(({ name }) => name)).toEqual([
    "flat",
    "envelope",
    "CloudEvents 1.0, structured",
    "CloudEvents 1.0, binary",
  ]);
  const inHeaders = { "cloudEvents:specversion": "1.0", "cloudEvents:type": "book.created" };
  for (const { name, contentType, body } of rows) {
    const headers = name.endsWith("binary") ? inHeaders : {};
    expect(reader.read(messageOf(body, { contentType, headers }), ["book.created"])).toEqual({
      ok: true,
      type: "book.created",
      event: { event_type: "book.created", book_id: "123", title: "Clean Code" },
    });
  }
});

test("the limits that it names are those of the code", () => {
  const { maxSchemaBytes, maxJsonDepth, maxSchemas, maxSchemasOfValue } = NUMBERS;
  const limits = [...page.matchAll(/^\| .+? \| (\d[\d,]*)(?: KiB, (\d+) levels| schemas)/gm)];
  const numbers = limits.flatMap(([, ...all]) => all.filter((it) => it !== undefined));
  expect(numbers.map((it) => Number(it.replace(",", "")))).toEqual([
    maxSchemaBytes / 1024,
    maxJsonDepth,
    maxSchemas,
    maxSchemasOfValue,
  ]);
});
