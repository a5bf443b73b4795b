import type { Page } from "./page.ts";

/** An address as the page says it: behind a proxy's prefix it is another one. */
const address = (path: string) => `new URL("${path}", document.baseURI).href`;

/** Requests of the HTTP interface to read and to try: they are really sent. */
const docs: Page = {
  path: "/docs",
  title: "HTTP interface: try it",
  package: "swagger-ui-dist",
  styles: [{ file: "swagger-ui.css" }],
  scripts: [{ file: "swagger-ui-bundle.js" }],
  start: `SwaggerUIBundle({
  url: ${address("openapi.json")},
  dom_id: "#content",
  presets: [SwaggerUIBundle.presets.apis],
  deepLinking: true,
  // Else it would have somebody on the internet look at the document.
  validatorUrl: null,
});
`,
  policy: {},
};

/** The HTTP interface to read. */
const redoc: Page = {
  path: "/redoc",
  title: "HTTP interface",
  package: "redoc",
  styles: [],
  scripts: [
    {
      file: "bundles/redoc.standalone.js",
      // Its maker's logo is fetched from its maker; a picture that there is not is left out.
      edit: (text) => text.replaceAll("https://cdn.redoc.ly/redoc/logo-mini.svg", "data:,"),
    },
  ],
  start: `Redoc.init(${address("openapi.json")}, { sanitize: true }, document.getElementById("content"));
`,
  policy: {
    // It writes its styles while it runs, a thread of its own searches, and that is a blob.
    "style-src": "'self' 'unsafe-inline'",
    "worker-src": "blob:",
  },
};

/** The messages to read. */
const asyncapi: Page = {
  path: "/asyncapi",
  title: "Messages",
  package: "@asyncapi/react-component",
  styles: [{ file: "styles/default.min.css" }],
  scripts: [{ file: "browser/standalone/index.js" }],
  start: `AsyncApiStandalone.render(
  { schema: { url: ${address("asyncapi.json")} }, config: { show: { sidebar: true } } },
  document.getElementById("content"),
);
`,
  // It compiles the JSON Schemas by which it reads the document into functions.
  policy: { "script-src": "'self' 'unsafe-eval'" },
};

/** Every page that there is. */
export const PAGES: readonly Page[] = [docs, redoc, asyncapi];
