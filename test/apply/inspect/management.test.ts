import { inject } from "vitest";
import { readOverview } from "../../../src/apply/inspect/identity.ts";
import { freePort } from "../../support/ports.ts";
import { startProxy } from "../../support/proxy.ts";
import { waitFor } from "../../support/wait-for.ts";
import { answering, clientOf, expect, test } from "./serving.ts";

const JSON_TYPE = "application/json";

test("what is asked goes to /api below the url, with its credentials and every name encoded", async ({
  serve,
}) => {
  const seen: (string | undefined)[][] = [];
  const url = await serve((request, response) => {
    seen.push([request.method, request.url, request.headers.authorization]);
    response.writeHead(request.method === "GET" ? 200 : 204, { "content-type": JSON_TYPE });
    response.end(request.method === "GET" ? "{}" : "");
  });
  const reader = `Basic ${Buffer.from("r/1:p%").toString("base64")}`;
  const named = clientOf(url.replace("reader:secret", "r%2F1:p%25"));
  await named.get(["queues", "/", "a b/c%?#"], { columns: "name,type" });
  await named.put(["policies", "vhost", ".."], { priority: 1 });
  await named.remove(["bindings", "v", "e", "", "q", "ü", "a%2Fb~c"]);
  const over = `Basic ${Buffer.from("over:amqp").toString("base64")}`;
  await clientOf(`${url.replace("reader:secret@", "")}/below/`).post(["bindings"], {});
  expect(seen).toEqual([
    ["GET", "/api/queues/%2F/a%20b%2Fc%25%3F%23?columns=name%2Ctype", reader],
    ["PUT", "/api/policies/vhost/..", reader],
    ["DELETE", "/api/bindings/v/e/amq.default/q/%C3%BC/a%252Fb~c", reader],
    ["POST", "/below/api/bindings", over],
  ]);
});

test("404 is nothing to get, and nothing to remove", async ({ serve }) => {
  const management = clientOf(await serve(answering(404, JSON_TYPE, "{}")));
  expect(await management.get(["queues", "/", "q"])).toBeUndefined();
  expect(await management.remove(["queues", "/", "q"])).toBe(false);
  await expect(management.put(["policies", "no", "p"], {})).rejects.toMatchObject({
    code: "broker-refused",
  });
});

test.for([
  [401, '{"error":"not_authorized","reason":"Login failed"}', "401 Login failed"],
  [403, '{"error":"forbidden"}', "403 forbidden"],
  [401, "<html>", "401"],
] as const)("%i is a refusal, with the user and the reason: %s", async (row, { serve }) => {
  const [status, body, shown] = row;
  const url = await serve(answering(status, JSON_TYPE, body));
  await expect(clientOf(url).get(["overview"])).rejects.toMatchObject({
    code: "management-refused",
    message: `the management API at ${shownAs(url)} refuses GET /api/overview to user "reader": ${shown}`,
  });
});

test("400 says why the broker can't do that", async ({ serve }) => {
  const body = '{"error":"bad_request","reason":"Validation failed"}';
  const url = await serve(answering(400, JSON_TYPE, body));
  await expect(clientOf(url).put(["policies", "/", "p"], {})).rejects.toMatchObject({
    code: "broker-refused",
    message: "PUT /api/policies/%2F/p: Validation failed",
  });
});

test.for([
  [
    "a web page",
    answering(200, "text/html; charset=utf-8", "<html></html>"),
    'answers /api/overview with "text/html; charset=utf-8", which is no JSON: it is something else',
  ],
  [
    "a page that is not there",
    answering(404, "text/html", "<html></html>"),
    "is something else: it has no /api/overview",
  ],
  [
    "half of a text",
    answering(200, JSON_TYPE, '{"rabbitmq_version": "3.'),
    expect.stringContaining("answers /api/overview with what is no JSON: "),
  ],
  [
    "another service",
    answering(200, JSON_TYPE, '{"status":"ok"}'),
    'answers /api/overview with JSON of something else: its "rabbitmq_version" is no text',
  ],
  [
    "a list",
    answering(200, JSON_TYPE, "[]"),
    "answers /api/overview with JSON of something else: it holds what is no object",
  ],
  [
    "a broken service",
    answering(503, JSON_TYPE, '{"error":"unavailable","reason":"booting"}'),
    "answers GET /api/overview with 503 booting",
  ],
  [
    "a redirect",
    (_: unknown, response: import("node:http").ServerResponse) => {
      response.writeHead(302, { location: "https://elsewhere/api/overview" }).end();
    },
    'redirects to "https://elsewhere/api/overview" (GET /api/overview)',
  ],
  [
    "a closed connection",
    (request: import("node:http").IncomingMessage) => void request.socket.destroy(),
    "closed the connection without a whole answer (GET /api/overview)",
  ],
  [
    "a connection closed in the middle",
    (_: unknown, response: import("node:http").ServerResponse) => {
      response.writeHead(200, { "content-length": 100 }).write("{", () => response.destroy());
    },
    "closed the connection without a whole answer (GET /api/overview)",
  ],
] as const)("%s is no management API", async ([, answer, words], { serve }) => {
  const url = await serve(answer);
  const failure = await readOverview(clientOf(url)).catch((error: unknown) => error);
  expect(failure).toMatchObject({ code: "management-failed" });
  const head = `the management API at ${shownAs(url)} `;
  const { message } = failure as Error;
  expect(message.slice(0, head.length)).toBe(head);
  expect(message.slice(head.length)).toEqual(words);
});

test("a port where nobody listens, or something that speaks no HTTP or no TLS, is said", async ({
  serve,
}) => {
  const port = await freePort();
  const speaksHttp = await serve(answering(200, JSON_TYPE, "{}"));
  const amqp = new URL(inject("broker").amqpUrl).host;
  const rows = [
    [`http://127.0.0.1:${port}`, "is not there: nobody listens on its port"],
    ["http://no-such-host.invalid", "is not there: its host "],
    [`http://${amqp}`, "speaks no HTTP on port "],
    [speaksHttp.replace("http:", "https:"), "speaks no TLS"],
  ] as const;
  for (const [url, words] of rows) {
    await expect(clientOf(url).get(["overview"])).rejects.toMatchObject({
      code: "management-failed",
      message: expect.stringContaining(`the management API at ${shownAs(url)} ${words}`),
    });
  }
});

test("one that hangs, or dribbles, is given up at the deadline of an RPC", async ({ serve }) => {
  const hanging = await serve(() => undefined);
  const target = await serve(answering(200, JSON_TYPE, `"${"x".repeat(10_000)}"`));
  const proxy = await startProxy(Number(new URL(target).port));
  const dribbling = proxy.url(target);
  const began = performance.now();
  // The head of the answer comes in time, its body doesn't.
  proxy.dribble(100);
  await Promise.all(
    [hanging, dribbling].map(async (url) => {
      await expect(clientOf(url).get(["overview"])).rejects.toMatchObject({
        code: "management-failed",
        message: `the management API at ${shownAs(url)} gave no whole answer within 10000 ms (GET /api/overview)`,
      });
    }),
  );
  expect(performance.now() - began).toBeGreaterThan(9_900);
  await waitFor(() => proxy.connections === 0, { what: "the socket to be gone" });
  await proxy.close();
});

test("an answer without an end is given up when it is too large", async ({ serve }) => {
  const chunk = Buffer.alloc(4 * 1024 * 1024, " ");
  const url = await serve((_, response) => {
    response.writeHead(200, { "content-type": JSON_TYPE });
    const more = () => {
      while (!response.destroyed && response.write(chunk));
    };
    response.on("drain", more);
    more();
  });
  await expect(clientOf(url).get(["queues", "/"])).rejects.toMatchObject({
    code: "management-failed",
    message: expect.stringContaining("answers with more than 268435456 bytes (GET "),
  });
});

test("a call ends at once when nobody wants it any more", async ({ serve }) => {
  const given = new AbortController();
  const url = await serve(() => given.abort());
  const management = clientOf(url, given.signal);
  const givenUp = {
    code: "management-failed",
    message: expect.stringContaining(" given up (GET "),
  };
  await expect(management.get(["overview"])).rejects.toMatchObject(givenUp);
  await expect(management.get(["overview"])).rejects.toMatchObject(givenUp);
});

function shownAs(url: string): string {
  return new URL(url).href.replace(":secret@", ":***@");
}
