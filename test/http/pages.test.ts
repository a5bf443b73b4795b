import { once } from "node:events";
import type { AddressInfo } from "node:net";
import express from "express";
import { PAGES } from "../../src/http/pages/pages.ts";
import { pageRoutes } from "../../src/http/pages/routes.ts";
import { refuseWith } from "../../src/http/problem.ts";
import { expect, test } from "../support/test.ts";
import { startApp } from "./app.ts";

const paths = PAGES.map(({ path }) => path);

test.each(PAGES)(
  "$path loads nothing but its own files, by a policy without exception",
  async ({ path }) => {
    const app = await startApp();
    const { status, headers, text } = await app.text(path);
    expect([status, headers.get("content-type")]).toEqual([200, "text/html; charset=utf-8"]);
    const policy = headers.get("content-security-policy") ?? "";
    expect(policy).toMatch(/^default-src 'none'; script-src 'self'( 'unsafe-eval')?; /);
    expect(policy).not.toMatch(/https?:|\*|script-src[^;]*'unsafe-inline'/);
    const links = [...text.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, link = ""]) => link);
    const files = links.filter((link) => link !== "data:,");
    expect(files.length).toBeGreaterThan(1);
    for (const file of files) {
      const asset = await app.text(`/${file}`);
      const type = file.endsWith(".css") ? "text/css" : "text/javascript";
      expect([file, asset.status, asset.headers.get("content-type")]).toEqual([
        file,
        200,
        `${type}; charset=utf-8`,
      ]);
      expect(asset.headers.get("content-security-policy")).toContain("default-src 'none'");
      expect(asset.text.length).toBeGreaterThan(50);
    }
    expect(text).not.toMatch(/<script(?! src=)|<style|https?:/);
    await app.close();
  },
);

test("a file of a package is sent again only when it has changed", async () => {
  const app = await startApp();
  const path = "/docs/swagger-ui.css";
  const first = await app.text(path);
  const etag = first.headers.get("etag") ?? "";
  // As a browser asks again; fetch alone would ask not to be answered from a cache.
  const again = await app.request(path, {
    headers: { "if-none-match": etag, "cache-control": "max-age=0" },
  });
  const other = await app.request(path, { method: "HEAD", headers: { "if-none-match": '"x"' } });
  expect(first.headers.get("cache-control")).toBe("no-cache");
  expect([again.status, other.status]).toEqual([304, 200]);
  expect(Number(other.headers.get("content-length"))).toBe(Buffer.byteLength(first.text));
  await app.close();
});

test("only what a page names is served, and only read", async () => {
  const app = await startApp();
  const hidden = [
    "/docs/",
    "/docs/package.json",
    "/docs/index.html",
    "/docs/swagger-ui-bundle.js.map",
    "/docs/..%2fpackage.json",
    "/docs/%2e%2e/redoc/package.json",
    "/redoc/bundles/redoc.standalone.js",
    "/redoc/..%2f..%2f..%2fpackage.json",
    "/asyncapi/swagger-ui.css",
  ];
  for (const path of hidden) {
    const { status, body } = await app.request(path);
    expect([path, status, body.code]).toEqual([path, 404, "unknown-route"]);
  }
  for (const path of [...paths, "/docs/start.js", "/docs/swagger-ui.css"]) {
    const { status, headers } = await app.post(path, {});
    expect([path, status, headers.get("allow")]).toEqual([path, 405, "GET, HEAD"]);
  }
  await app.close();
});

test("a page whose package is not installed says how to install it", async () => {
  const page = { ...PAGES[0], package: "warren-that-nobody-has-made" } as (typeof PAGES)[number];
  const nothing = () => undefined;
  const log = { debug: nothing, info: nothing, warn: nothing, error: nothing };
  const app = express().use(pageRoutes([page]), refuseWith(log));
  const server = app.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  for (const path of ["/docs", "/docs/swagger-ui.css"]) {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, {
      headers: { connection: "close" },
    });
    expect(answer.headers.get("content-type")).toContain("application/problem+json");
    expect(await answer.json()).toMatchObject({
      status: 404,
      code: "page-unavailable",
      detail:
        "/docs needs the package warren-that-nobody-has-made, which is not installed: " +
        "npm install warren-that-nobody-has-made",
    });
  }
  server.close();
});
