/** A page for people: one of another's programs that shows a document of ours. */
export type Page = {
  /** Its route; what it loads is below it. */
  readonly path: string;
  readonly title: string;
  /** The npm package that has its files. */
  readonly package: string;
  readonly styles: readonly Asset[];
  readonly scripts: readonly Asset[];
  /** JavaScript that shows the document in the element `content`, after the scripts. */
  readonly start: string;
  /** What it needs besides scripts, requests and images of our own origin, by directive. */
  readonly policy: Readonly<Record<string, string>>;
};

/** A file of the package, by its path there; its name is that of the last part. */
export type Asset = {
  readonly file: string;
  /** Made of the file before it is sent. */
  readonly edit?: (text: string) => string;
};

/** The names of our own files, beside those of the package. */
export const [STYLE, START] = ["page.css", "start.js"];

/** What every page looks like, where its package does not say. */
export const STYLES = "body { margin: 0; font-family: system-ui, sans-serif; }\n";

/** The page as HTML; paths are relative, so that it may stand behind a proxy's prefix. */
export function htmlOf({ path, title, styles, scripts }: Page): string {
  const folder = path.slice(1);
  const sheets = [STYLE, ...styles.map(nameOf)];
  const links = sheets.map((name) => `<link rel="stylesheet" href="${folder}/${name}">`);
  const names = [...scripts.map(nameOf), START];
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<link rel="icon" href="data:,">
${links.join("\n")}
</head>
<body>
<div id="content"></div>
${names.map((name) => `<script src="${folder}/${name}"></script>`).join("\n")}
</body>
</html>
`;
}

/** The name under which an asset is served. */
export function nameOf({ file }: Asset): string {
  return file.slice(file.lastIndexOf("/") + 1);
}

/** Nothing but what is said: no other origin, no inline script, no `eval`, no frame around it. */
export function policyOf({ policy }: Page): string {
  const directives = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "connect-src": "'self'",
    "img-src": "'self' data:",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
    ...policy,
  };
  return Object.entries(directives)
    .map(([name, value]) => `${name} ${value}`)
    .join("; ");
}
