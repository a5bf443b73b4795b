/** An object of the management API's listings, read field by field. */
import { WarrenError } from "../../errors.ts";
import type { Arguments } from "../../topology.ts";
import { failed, type Management } from "./management.ts";

/** Where a row stands, for the text of an error. */
type Listing = { readonly shown: string; readonly what: string };

/**
 * What the vhost has of one kind: `queues`.
 *
 * @throws {WarrenError} `management-failed`, `management-refused`.
 */
export async function listRows(
  management: Management,
  kind: string,
  query: Readonly<Record<string, string>> = {},
): Promise<readonly Row[]> {
  const { shown, user, vhost } = management;
  const json = await management.get([kind, vhost], query);
  if (json !== undefined) return rowsOf(json, { shown, what: `/api/${kind}` });
  // 4.x answers 404 also where the user has no permission in the vhost.
  const text = `the management API at ${shown} shows user "${user}" no vhost "${vhost}"`;
  throw new WarrenError("management-refused", text);
}

function rowsOf(json: unknown, listing: Listing): readonly Row[] {
  if (Array.isArray(json)) return json.map((one) => new Row(one, listing));
  throw notThat(listing, "it is no list");
}

/** Every method throws `management-failed` for a field that is not what it has to be. */
export class Row {
  readonly #fields: Readonly<Record<string, unknown>>;
  readonly #listing: Listing;

  constructor(json: unknown, listing: Listing) {
    if (!isObject(json)) throw notThat(listing, "it holds what is no object");
    this.#fields = json;
    this.#listing = listing;
  }

  text(key: string): string {
    const value = this.#fields[key];
    if (typeof value === "string") return value;
    // RabbitMQ lists a name that somebody has sent as null so.
    if (value === null) return "null";
    throw this.#wrong(key, "no text");
  }

  flag(key: string): boolean {
    const value = this.#fields[key];
    if (typeof value === "boolean") return value;
    throw this.#wrong(key, "no true or false");
  }

  has(key: string): boolean {
    return this.#fields[key] !== undefined && this.#fields[key] !== null;
  }

  /** null: it is not there. */
  count(key: string): number | null {
    const value = this.#fields[key];
    return typeof value === "number" ? value : null;
  }

  arguments(key: string): Arguments {
    const value = this.#fields[key];
    // RabbitMQ writes an empty table as an empty list in places.
    if (Array.isArray(value) && value.length === 0) return {};
    if (isObject(value)) return value as Arguments;
    throw this.#wrong(key, "no table");
  }

  row(key: string): Row {
    return new Row(this.#fields[key], this.#listing);
  }

  rows(key: string): readonly Row[] {
    return rowsOf(this.#fields[key], this.#listing);
  }

  /** Texts, from a list or from a text with commas, as older brokers write them. */
  words(key: string): readonly string[] {
    const value = this.#fields[key];
    if (Array.isArray(value)) return value.map(String);
    return this.text(key).split(",");
  }

  #wrong(key: string, problem: string) {
    return notThat(this.#listing, `its "${key}" is ${problem}`);
  }
}

function isObject(json: unknown): json is Readonly<Record<string, unknown>> {
  return typeof json === "object" && json !== null && !Array.isArray(json);
}

function notThat({ shown, what }: Listing, why: string) {
  return failed(shown, `answers ${what} with JSON of something else: ${why}`);
}
