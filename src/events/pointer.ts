/** JSON Pointers (RFC 6901): a place in a document. */

/** One step of a JSON Pointer (RFC 6901). */
export function escapePointer(step: string): string {
  return step.replaceAll("~", "~0").replaceAll("/", "~1");
}

/** The name that `escapePointer` was given. */
export function unescapePointer(step: string): string {
  return step.replaceAll("~1", "/").replaceAll("~0", "~");
}

/** The keys and indexes of a JSON Pointer, as text. */
export function split(pointer: string): readonly string[] {
  return pointer.split("/").slice(1).map(unescapePointer);
}

/** What stands there; undefined: nothing, or not as its own. */
export function valueAt(root: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (found, step) =>
      typeof found === "object" && found !== null && Object.hasOwn(found, step)
        ? (found as Readonly<Record<string, unknown>>)[step]
        : undefined,
    root,
  );
}
