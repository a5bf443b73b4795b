/** What a file holds, in a form that the runner's thread and the handlers' can compare. */
import { hash } from "node:crypto";

/** Path → digest. */
export type Digests = ReadonlyMap<string, string>;

/** In place of a digest: what no file is like. */
export const ABSENT = "absent";

/** SHA-256, in hexadecimal. */
export function digestOf(content: Buffer): string {
  return hash("sha256", content);
}
