/** Headless Chromium, which sees what a page does: what it asks for, and what goes wrong in it. */
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";

export const INSTALL_BROWSER = "apt-get update && apt-get install -y chromium";

/** In CI a browser has to be there; elsewhere tests without one are skipped. */
export const needsBrowser = Boolean(process.env.CI || process.env.WARREN_REQUIRE_BROWSER);

/** @returns null if none is installed. */
export function findBrowser(): string | null {
  const folders = (process.env.PATH ?? "").split(delimiter);
  const names = ["chromium", "chromium-browser", "google-chrome"];
  const paths = names.flatMap((name) => folders.map((folder) => join(folder, name)));
  return paths.find(isExecutable) ?? null;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** The caller closes it. */
export async function openBrowser(executablePath: string): Promise<Browser> {
  // Root may not have Chromium's sandbox, nor does a container.
  return await chromium.launch({ executablePath, chromiumSandbox: false });
}

export type Visit = {
  readonly page: Page;
  /** Addresses of other origins that the page asked for; none of them was let through. */
  readonly foreign: readonly string[];
  /** What the console has of errors and warnings, and what scripts have thrown. */
  readonly errors: readonly string[];
};

/** Opens a page that can reach its own origin alone. */
export async function visit(browser: Browser, url: string): Promise<Visit> {
  const [foreign, errors]: [string[], string[]] = [[], []];
  const { origin } = new URL(url);
  const page = await browser.newPage();
  // A bound for machines that are busy: parsing megabytes of scripts takes its time.
  page.setDefaultTimeout(120_000);
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) errors.push(message.text());
  });
  page.on("pageerror", (error) => errors.push(String(error)));
  page.on("request", (request) => {
    // Those of blob: and data: are the page's own.
    const asked = new URL(request.url());
    if (asked.origin !== origin && asked.protocol !== "data:") foreign.push(request.url());
  });
  await page.route(
    (asked) => asked.origin !== origin,
    (route) => route.abort(),
  );
  await page.goto(url);
  return { page, foreign, errors };
}
