import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { type RequestHandler, Router } from "express";
import { digestOf } from "../../digest.ts";
import { allowOnly, Refusal } from "../problem.ts";
import { type Asset, htmlOf, nameOf, type Page, policyOf, START, STYLE, STYLES } from "./page.ts";

/**
 * The pages, with what they load: from the npm packages that they name, and only the files that
 * they name. A page whose package is not installed says so.
 */
export function pageRoutes(pages: readonly Page[]): Router {
  const router = Router({ strict: true });
  for (const page of pages) {
    const get = (path: string, handler: RequestHandler) =>
      router.route(path).get(handler).all(allowOnly("GET, HEAD"));
    get(page.path, servePage(page));
    get(`${page.path}/${STYLE}`, (_request, response) => {
      response.type("text/css").send(STYLES);
    });
    get(`${page.path}/${START}`, (_request, response) => {
      response.type("text/javascript").send(page.start);
    });
    for (const asset of [...page.styles, ...page.scripts]) {
      get(`${page.path}/${nameOf(asset)}`, serveAsset(page, asset));
    }
  }
  return router;
}

function servePage(page: Page): RequestHandler {
  return (_request, response) => {
    findPackage(page);
    response.setHeader("Content-Security-Policy", policyOf(page));
    response.type("text/html").send(htmlOf(page));
  };
}

/** Megabytes that change with their package alone: asked for each time, and sent once. */
function serveAsset(page: Page, asset: Asset): RequestHandler {
  const type = asset.file.endsWith(".css") ? "text/css" : "text/javascript";
  return async (_request, response) => {
    const content = await readFile(join(findPackage(page), asset.file));
    const edited = asset.edit ? Buffer.from(asset.edit(content.toString())) : content;
    response.setHeader("Cache-Control", "no-cache");
    response.setHeader("ETag", `"${digestOf(edited)}"`);
    response.setHeader("Content-Type", `${type}; charset=utf-8`);
    response.send(edited);
  };
}

const require = createRequire(import.meta.url);

/** The package's folder. @throws {Refusal} `page-unavailable` if it is not installed. */
function findPackage({ path, package: name }: Page): string {
  try {
    return dirname(require.resolve(`${name}/package.json`));
  } catch {
    const text = `${path} needs the package ${name}, which is not installed: npm install ${name}`;
    throw new Refusal("page-unavailable", text);
  }
}
