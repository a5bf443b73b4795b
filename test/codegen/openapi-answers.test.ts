import { expect, test } from "vitest";
import type { JsonObject } from "../../src/codegen/json.ts";
import { createApp } from "../../src/http/app.ts";
import { startApp, type TestApp } from "../http/app.ts";
import { checkerOf, escaped, lookUp } from "./documented.ts";

test("each route is in the document, and each path of the document is a route", async () => {
  const app = await startApp();
  const { body: document } = await app.request("/openapi.json");
  await app.close();
  const documented = Object.entries(Object(document.paths)).flatMap(([path, methods]) =>
    Object.keys(Object(methods)).map((method) => `${method} ${path}`),
  );
  const routes = routesOf().filter(({ path }) => !/^\/(docs|redoc|asyncapi)\//.test(path));
  const matching = (line: string) => routes.filter(({ pattern }) => pattern.test(line));
  expect(documented.filter((line) => matching(line).length === 0)).toEqual([]);
  const covered = new Set(documented.flatMap(matching));
  expect(routes.filter((one) => !covered.has(one)).map(({ path }) => path)).toEqual([]);
  expect(routes.length).toBeGreaterThan(10);
});

type Exchange = readonly [method: "GET" | "POST", path: string, route: string, body?: unknown];

const book = { event_type: "book.created", id: "1", title: "t" };
const requests: readonly Exchange[] = [
  ["GET", "/health", "/health"],
  ["GET", "/livez", "/livez"],
  ["GET", "/readyz", "/readyz"],
  ["GET", "/topology", "/topology"],
  ["GET", "/drift", "/drift"],
  ["GET", "/trace/1", "/trace/{message_id}"],
  ["GET", "/trace/%ff", "/trace/{message_id}"],
  ["GET", "/openapi.json", "/openapi.json"],
  ["GET", "/asyncapi.json", "/asyncapi.json"],
  ["POST", "/publish/book", "/publish/book", book],
  ["POST", "/publish/book", "/publish/book", ""],
  ["POST", "/publish/book", "/publish/book", { ...book, title: 1 }],
  ["POST", "/publish/book", "/publish/book", { ...book, event_type: "film.shown" }],
  ["POST", "/publish/book", "/publish/book", { ...book, event_type: "boo.hoo" }],
  ["POST", "/publish/book?priority=300", "/publish/book", book],
  ["POST", "/publish/book.deleted", "/publish/book.deleted", { id: "1" }],
  ["POST", "/publish", "/publish", { exchange: "books", message: book }],
  ["POST", "/publish", "/publish", { exchange: "books", message: book, routing_key: "x" }],
  ["POST", "/publish", "/publish", { exchange: "none", message: book }],
  ["POST", "/publish", "/publish", { message: book }],
  ["POST", "/publish", "/publish", { exchange: "books", message: "x".repeat(1_050_000) }],
];

test("an answer has a status and a body that the document says of its route", async () => {
  const app = await startApp();
  const { body: document } = await app.request("/openapi.json");
  const statuses = new Set<number>();
  for (const [method, path, route, body] of requests) {
    const { status, type, content } = await send(app, method, path, body);
    const said = `/paths/${escaped(route)}/${method.toLowerCase()}/responses/${status}`;
    const response = resolved(document, said);
    const media = `${response}/content/${escaped(type)}/schema`;
    expect({
      path,
      status,
      type,
      isSaid: lookUp(document, `#${media}`) !== undefined,
    }).toMatchObject({ isSaid: true });
    const check = checkerOf(document)(media);
    const isRight = check(content);
    expect({ path, content, isRight, errors: check.errors }).toMatchObject({ isRight: true });
    statuses.add(status);
  }
  await app.close();
  expect([...statuses].sort()).toEqual([200, 400, 404, 413, 422, 503]);
});

async function send(app: TestApp, method: string, path: string, body: unknown) {
  const answer = method === "POST" ? await app.post(path, body) : await app.request(path);
  const type = answer.headers.get("content-type")?.split(";")[0] ?? "";
  return { status: answer.status, type, content: answer.body };
}

/** Follows the reference of a response. */
function resolved(document: JsonObject, pointer: string): string {
  const response = lookUp(document, `#${pointer}`) as JsonObject | undefined;
  const { $ref } = response ?? {};
  return typeof $ref === "string" ? $ref.slice(1) : pointer;
}

type Layer = {
  readonly route?: { readonly path: string; readonly methods: Readonly<Record<string, boolean>> };
  readonly handle: { readonly stack?: readonly Layer[] };
};

type Route = { readonly path: string; readonly pattern: RegExp };

/** What express was given; `all` refuses other methods. */
function routesOf(): readonly Route[] {
  const fail = () => {
    throw new Error("no request is made");
  };
  const log = { debug: fail, info: fail, warn: fail, error: fail };
  const documents = { openapi: fail, asyncapi: fail };
  const parts = {
    publish: fail,
    call: fail,
    status: fail,
    topology: fail,
    drift: fail,
    trace: fail,
  };
  const { router } = createApp({ ...parts, documents, log }) as unknown as {
    readonly router: { readonly stack: readonly Layer[] };
  };
  const layers = router.stack.flatMap(({ handle }) => handle.stack ?? []);
  return layers.flatMap(({ route }) => {
    if (route === undefined) return [];
    const path = route.path.replaceAll(/[.]/g, "\\.").replaceAll(/:\w+/g, "[^/]+");
    return Object.keys(route.methods)
      .filter((method) => method !== "_all")
      .map((method) => ({ path: route.path, pattern: new RegExp(`^${method} ${path}$`) }));
  });
}
