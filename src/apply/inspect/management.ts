/**
 * A client of RabbitMQ's management API. Whatever answers in its place, or does not, is said as it
 * is: nothing is guessed, and nobody falls back to AMQP without a word.
 */
import { messageOf, quoted, WarrenError } from "../../errors.ts";
import type { BrokerAddress, Topology } from "../../topology.ts";
import { type HttpAnswer, sendRequest } from "./http.ts";
import { parseJson } from "./json.ts";

/** Names below `/api`, as they are: `["queues", "/", "my queue"]`. */
export type ApiPath = readonly string[];

/**
 * Every method throws, with the address in the text:
 *
 * | code | when |
 * |------|------|
 * | management-failed | nobody is there, or too slow, or it is no management API, or it has failed |
 * | management-refused | it does not know the user, or does not let him do that |
 * | broker-refused | the broker says why that can't be done |
 */
export type Management = {
  /** The url without its password. */
  readonly shown: string;
  readonly user: string;
  readonly vhost: string;
  /** What is there, or undefined: there is no such thing. */
  get(path: ApiPath, query?: Readonly<Record<string, string>>): Promise<unknown>;
  put(path: ApiPath, body: object): Promise<void>;
  post(path: ApiPath, body: object): Promise<void>;
  /** @returns false if there was nothing to remove. */
  remove(path: ApiPath): Promise<boolean>;
};

export type ManagementOptions = {
  /** Where broker and user are the same as over AMQP: its credentials, if the url has none. */
  readonly amqp: BrokerAddress;
  readonly vhost: string;
  /** Ends every call at once. */
  readonly signal?: AbortSignal | undefined;
};

/** The client of a topology's `broker.management`; null: it names none. */
export function managementOf(
  { broker }: Pick<Topology, "broker">,
  signal?: AbortSignal,
): Management | null {
  const [amqp] = broker.addresses;
  if (!broker.management || !amqp) return null;
  return openManagement(broker.management, { amqp, vhost: vhostOf(amqp), signal });
}

/** Opens nothing yet: every call has a connection of its own. */
export function openManagement(
  { url, shown }: BrokerAddress,
  { amqp, vhost, signal }: ManagementOptions,
): Management {
  const base = new URL(url);
  const { user, password } = credentialsOf(base) ?? credentialsOf(new URL(amqp.url)) ?? GUEST;
  const call = async (method: string, path: ApiPath, rest: { body?: object; query?: string }) => {
    const sent = `${base.pathname.replace(/\/$/, "")}/api/${path.map(encode).join("/")}`;
    const body = rest.body === undefined ? null : JSON.stringify(rest.body);
    const request = { method, path: sent + (rest.query ?? ""), auth: `${user}:${password}`, body };
    const what = `${method} ${sent}`;
    const answer = await sendRequest(base, request, signal).catch((error: unknown) => {
      throw failed(shown, `${messageOf(error)} (${what})`, error);
    });
    return checked(answer, { what, shown, user });
  };
  return {
    shown,
    user,
    vhost,
    async get(path, query = {}) {
      const search = new URLSearchParams(query).toString();
      const answer = await call("GET", path, { query: search === "" ? "" : `?${search}` });
      return answer.status === NOT_FOUND ? undefined : bodyOf(answer, shown, path);
    },
    async put(path, body) {
      assertFound(await call("PUT", path, { body }), shown, path);
    },
    async post(path, body) {
      assertFound(await call("POST", path, { body }), shown, path);
    },
    async remove(path) {
      return (await call("DELETE", path, {})).status !== NOT_FOUND;
    },
  };
}

/** The vhost of an AMQP address. */
export function vhostOf({ url }: BrokerAddress): string {
  return decodeURIComponent(new URL(url).pathname.slice(1)) || "/";
}

/** What a management API that is none, or is out of order, comes to. */
export function failed(shown: string, words: string, cause?: unknown): WarrenError {
  return new WarrenError("management-failed", `the management API at ${shown} ${words}`, { cause });
}

const GUEST = { user: "guest", password: "guest" };
const NOT_FOUND = 404;
const MAX_REASON = 500;

function credentialsOf({ username, password }: URL): typeof GUEST | null {
  if (username === "") return null;
  return { user: decodeURIComponent(username), password: decodeURIComponent(password) };
}

/** The default exchange has no name, and a path no place for none. */
function encode(name: string): string {
  return name === "" ? "amq.default" : encodeURIComponent(name);
}

type Called = { readonly what: string; readonly shown: string; readonly user: string };

function checked(answer: HttpAnswer, { what, shown, user }: Called): HttpAnswer {
  const { status, location } = answer;
  if ((status >= 200 && status < 300) || status === NOT_FOUND) return answer;
  const reason = reasonOf(answer);
  if (status === 401 || status === 403) {
    const text = `the management API at ${shown} refuses ${what} to user ${quoted(user)}`;
    throw new WarrenError("management-refused", `${text}: ${status} ${reason}`.trimEnd());
  }
  if (status === 400) throw new WarrenError("broker-refused", `${what}: ${reason || "400"}`);
  if (location !== null) throw failed(shown, `redirects to ${quoted(location)} (${what})`);
  throw failed(shown, `answers ${what} with ${status} ${reason}`.trimEnd(), { status });
}

/** Of an answer that was none, whose status said so; null: there was no answer. */
export function statusOf({ cause }: WarrenError): number | null {
  const { status } = (cause ?? {}) as { readonly status?: unknown };
  return typeof status === "number" ? status : null;
}

function bodyOf({ contentType, text }: HttpAnswer, shown: string, path: ApiPath): unknown {
  const what = `/api/${path[0]}`;
  if (!contentType.includes("json")) {
    const type = contentType === "" ? "something without a type" : quoted(contentType);
    throw failed(shown, `answers ${what} with ${type}, which is no JSON: it is something else`);
  }
  try {
    return parseJson(text);
  } catch (error) {
    throw failed(shown, `answers ${what} with what is no JSON: ${messageOf(error)}`, error);
  }
}

function assertFound({ status, text }: HttpAnswer, shown: string, path: ApiPath): void {
  if (status !== NOT_FOUND) return;
  const name = quoted(path.join("/"));
  throw new WarrenError("broker-refused", `${shown} knows no ${name}: 404 ${quoted(text)}`);
}

/** RabbitMQ's words for a refusal; nothing, if it is no answer of RabbitMQ. */
function reasonOf({ text }: HttpAnswer): string {
  try {
    const { reason, error } = JSON.parse(text) as Partial<Record<string, unknown>>;
    return String(reason ?? error ?? "").slice(0, MAX_REASON);
  } catch {
    return "";
  }
}
