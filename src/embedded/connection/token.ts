import { randomBytes } from "node:crypto";

/** A part of a name that nobody can guess: so many random bytes, in base64url. */
export function token(bytes: number): string {
  return randomBytes(bytes).toString("base64url");
}
