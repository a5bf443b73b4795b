/** What the documents are made of: plain JSON. */
import { hash } from "node:crypto";

/** A JSON object, such as a part of a document. */
export type JsonObject = { readonly [key: string]: unknown };

/** A version of what has none of its own: equal JSON has equal versions. */
export function versionOf(value: unknown): string {
  return hash("sha256", JSON.stringify(value)).slice(0, 12);
}

/** The entries of a record by name, so that the order of the blocks in a file changes nothing. */
export function sortedEntries<T>(record: Readonly<Record<string, T>>): readonly [string, T][] {
  return Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1));
}

/**
 * Whether JSON that a document only shows would be taken for a reference: what reads a document
 * follows one wherever it stands, out of the document as well.
 */
export function hasReference(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const isReference = Object.hasOwn(value, "$ref") && typeof Object(value).$ref === "string";
  return isReference || Object.values(value).some(hasReference);
}
