import { createDocuments } from "../../src/commands/documents.ts";
import type { Topology } from "../../src/topology.ts";
import { expect, test } from "../support/test.ts";
import { topologyOf } from "../support/topology.ts";
import { startApp } from "./app.ts";

test.each(["/openapi.json", "/asyncapi.json"])(
  "GET %s is a document that names every event of its exchanges, for programs alone",
  async (path) => {
    const app = await startApp();
    const { status, headers, body } = await app.request(path);
    const text = JSON.stringify(body);
    const posted = await app.post(path, {});
    await app.close();
    expect(status).toBe(200);
    expect(headers.get("content-type")).toBe("application/json; charset=utf-8");
    expect(headers.get("content-security-policy")).toContain("default-src 'none'");
    expect(headers.get("cache-control")).toBe("no-store");
    const types = ["book.created", "book.deleted"];
    expect(types.map((type) => text.includes(`"${type}"`))).toEqual([true, true]);
    expect([posted.status, posted.headers.get("allow")]).toEqual([405, "GET, HEAD"]);
  },
);

function booksOf(events: readonly string[]): Topology {
  const schemas = Object.fromEntries(events.map((type) => [type, { type: "object" }]));
  return topologyOf({ exchanges: { books: { events } }, schemas });
}

test("a document is made once for each topology, however many ask for it at a time", async () => {
  let topology = booksOf(["book.created"]);
  const { openapi, asyncapi } = createDocuments(() => topology, { publishes: true });
  const namesRetired = async () => {
    const texts = [await openapi(), await asyncapi()].map((document) => JSON.stringify(document));
    return texts.map((text) => text.includes("book.retired"));
  };
  for (const document of [openapi, asyncapi]) {
    const [first, second] = await Promise.all([document(), document()]);
    expect([second === first, (await document()) === first]).toEqual([true, true]);
  }
  expect(await namesRetired()).toEqual([false, false]);
  topology = booksOf(["book.created", "book.retired"]);
  expect(await namesRetired()).toEqual([true, true]);
});
