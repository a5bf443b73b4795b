/** The pages in a browser, for the shipped bookshop: they render, and what is tried there is sent. */
import { fileURLToPath } from "node:url";
import type { Browser } from "playwright-core";
import { defineHandler, type HandlerContext } from "../../src/handler.ts";
import { load } from "../../src/loader/load.ts";
import {
  findBrowser,
  INSTALL_BROWSER,
  needsBrowser,
  openBrowser,
  visit,
} from "../support/browser.ts";
import { runTopology } from "../support/runner.ts";
import { test as base, expect } from "../support/test.ts";
import type { Vhost } from "../support/vhost.ts";
import { waitFor } from "../support/wait-for.ts";

const test = base.extend<{ readonly browser: Browser }>({
  browser: async ({ skip }, use) => {
    const path = findBrowser();
    if (path === null && needsBrowser) throw new Error(`run: ${INSTALL_BROWSER}`);
    skip(path === null, `no Chromium is installed, which "${INSTALL_BROWSER}" brings`);
    const browser = await openBrowser(path ?? "");
    await use(browser);
    await browser.close();
  },
});

type Handled = { readonly queue: string; readonly event: unknown };

async function startBookshop({ url }: Vhost) {
  const file = fileURLToPath(new URL("../../topology.yaml", import.meta.url));
  const loaded = load({ file, env: { RABBITMQ_URL: url } });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  const handled: Handled[] = [];
  const record = (event: unknown, { message }: HandlerContext) =>
    void handled.push({ queue: message.queue, event });
  const withHandlers = Object.values(loaded.topology.queues).filter(({ handler }) => handler);
  const modules = withHandlers.map(({ name }) => [name, defineHandler<never>(record)]);
  return { ...(await runTopology(loaded.topology, Object.fromEntries(modules))), handled };
}

test("every page shows the bookshop's events; it asks nobody else, and nothing goes wrong in it", async ({
  browser,
  vhost,
}) => {
  const shop = await startBookshop(vhost);
  for (const path of ["/docs", "/redoc", "/asyncapi"]) {
    const { page, foreign, errors } = await visit(browser, `${shop.url}${path}`);
    await page.getByText("book.created").filter({ visible: true }).first().waitFor();
    await page.waitForLoadState("networkidle");
    expect({ path, foreign, errors }).toEqual({ path, foreign: [], errors: [] });
    await page.close();
  }
  await shop.stop();
});

test("a request that is tried at /docs is sent, and arrives at its handlers", async ({
  browser,
  vhost,
}) => {
  const shop = await startBookshop(vhost);
  const { page, foreign, errors } = await visit(browser, `${shop.url}/docs`);
  const operation = page.locator(".opblock", { has: page.locator('[data-path="/publish/book"]') });
  await operation.locator(".opblock-summary").click();
  await operation.getByRole("button", { name: "Try it out" }).click();
  const example = await operation.locator("textarea.body-param__text").inputValue();
  await operation.getByRole("button", { name: "Execute" }).click();
  await operation
    .locator(".live-responses-table .response-col_status", { hasText: "202" })
    .waitFor();
  const find = () => shop.handled.find(({ queue }) => queue === "all_books_queue");
  const { event } = await waitFor((seen) => seen(find()), { what: "its handler" });
  expect(event).toEqual(JSON.parse(example));
  expect(event).toMatchObject({ event_type: expect.stringMatching(/^book\./) });
  expect({ foreign, errors }).toEqual({ foreign: [], errors: [] });
  await page.close();
  await shop.stop();
});
