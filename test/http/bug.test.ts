import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createApp } from "../../src/http/app.ts";
import { createServer } from "../../src/http/server.ts";
import { expect, test } from "../support/test.ts";
import { topologyOf } from "../support/topology.ts";
import { well } from "./app.ts";

test("a bug in warren is a 500 that tells nothing of the inside, and is logged with its stack", async () => {
  const logged: { fields: object; message: string }[] = [];
  const note = (fields: object, message: string) => void logged.push({ fields, message });
  const log = { debug: note, info: note, warn: note, error: note };
  const bug = new Error("amqp://user:secret@host is not a function");
  const app = createApp({
    publish: () => Promise.reject(bug),
    call: () => Promise.reject(bug),
    status: () => well,
    topology: () => topologyOf({ exchanges: {} }),
    drift: () => Promise.reject(bug),
    trace: () => [],
    documents: { openapi: () => Promise.reject(bug), asyncapi: () => Promise.reject(bug) },
    log,
  });
  const server = createServer(app).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const answer = await fetch(`http://127.0.0.1:${port}/publish/book`, {
    method: "POST",
    headers: { "content-type": "application/json", connection: "close" },
    body: "{}",
  });
  const text = await answer.text();
  server.close();
  expect(answer.status).toBe(500);
  expect(JSON.parse(text)).toMatchObject({ code: "internal-error", status: 500 });
  expect(text).not.toMatch(/secret|not a function|\.ts/);
  expect(logged).toMatchObject([{ fields: { err: bug }, message: "request failed" }]);
});
