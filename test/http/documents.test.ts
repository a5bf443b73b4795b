import { setTimeout } from "node:timers/promises";
import { createDocuments } from "../../src/commands/documents.ts";
import { expect, test } from "../support/test.ts";
import { topologyOf } from "../support/topology.ts";
import { startApp } from "./app.ts";

test.each(["/openapi.json", "/asyncapi.json"])(
  "GET %s is a document that names every event, for programs alone",
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
    for (const type of ["book.created", "book.deleted"]) expect(text).toContain(`"${type}"`);
    expect([posted.status, posted.headers.get("allow")]).toEqual([405, "GET, HEAD"]);
  },
);

test("a document is made once for each topology, however many ask for it at a time", async () => {
  const schemas = { "book.created": { type: "object" } };
  let topology = topologyOf({ exchanges: {}, schemas });
  const { openapi, asyncapi } = createDocuments(() => topology, { publishes: true });
  for (const document of [openapi, asyncapi]) {
    const [first, second] = await Promise.all([document(), document()]);
    expect(second).toBe(first);
    await setTimeout();
    expect(await document()).toBe(first);
  }
  const before = [await openapi(), await asyncapi()];
  topology = topologyOf({ exchanges: {}, schemas: { ...schemas, "book.retired": {} } });
  const after = [await openapi(), await asyncapi()];
  for (const [index, document] of after.entries()) {
    expect(JSON.stringify(before[index])).not.toContain("book.retired");
    expect(JSON.stringify(document)).toContain("book.retired");
  }
});
