/** Where a keyword of a schema stands in a file, through every `$ref` on the way to it. */
import { dirname, join as joinPath } from "node:path";
import type { Place } from "../errors.ts";
import { split, valueAt } from "../events/pointer.ts";
import { type Document, parse } from "../loader/document.ts";
import { join } from "../loader/pointer.ts";
import { readSource } from "../loader/source.ts";

/** Finds places in the files of schemas; each file is read once. */
export class SchemaPlaces {
  readonly #documents = new Map<string, Document | null>();

  /** @param way as `Change` has it; of what isn't in the file, the place of what is around it. */
  find(file: string, way: string): Place {
    let here = { file, pointer: "" };
    for (const step of split(way)) {
      const target = step === "$ref" ? this.#follow(here.file, here.pointer) : null;
      here = target ?? { ...here, pointer: join(here.pointer, step) };
    }
    return this.#placeOf(here.file, here.pointer);
  }

  /** @returns null where no reference is, or none to a place of a file. */
  #follow(file: string, pointer: string): { file: string; pointer: string } | null {
    const reference = valueAt(this.#documentOf(file)?.value, [...split(pointer), "$ref"]);
    if (typeof reference !== "string") return null;
    const [path = "", fragment = ""] = reference.split("#");
    const target = path === "" ? file : joinPath(dirname(file), decodeURIComponent(path));
    const isPointer = fragment === "" || fragment.startsWith("/");
    return isPointer && this.#documentOf(target) !== null
      ? { file: target, pointer: decodeURIComponent(fragment) }
      : null;
  }

  #placeOf(file: string, pointer: string): Place {
    const document = this.#documentOf(file);
    const position = document?.positions.get(pointer);
    if (document && position) return document.place(position.key);
    if (pointer === "") return { file, line: 1, column: 1 };
    return this.#placeOf(file, pointer.slice(0, pointer.lastIndexOf("/")));
  }

  #documentOf(file: string): Document | null {
    const known = this.#documents.get(file);
    if (known !== undefined) return known;
    const source = readSource(file);
    const parsed = source.ok ? parse(file, source.text) : null;
    const document = parsed?.ok ? parsed.document : null;
    this.#documents.set(file, document);
    return document;
  }
}
