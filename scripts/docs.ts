/** Writes the generated pages of docs/; with --check only says which are stale, and exits with 2. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import { EXIT } from "../src/errors.ts";
import { pages } from "./pages.ts";

const stale = pages().filter(
  ({ file, text }) => !existsSync(file) || readFileSync(file, "utf8") !== text,
);
const isCheck = process.argv.includes("--check");
for (const { file, text } of stale) {
  if (!isCheck) writeFileSync(file, text);
  console.log(
    `docs/${basename(file.pathname)} ${isCheck ? "is stale: run npm run docs" : "written"}`,
  );
}
if (isCheck && stale.length > 0) process.exitCode = EXIT.differences;
