import { NUMBERS } from "../numbers.ts";
import { type BrokerAddress, EMBEDDED, type Topology } from "../topology.ts";
import type { TopologyFile } from "./file.ts";
import { resolveManagement } from "./management.ts";
import { join } from "./pointer.ts";
import type { Report } from "./report.ts";
import { millisecondsOf } from "./units.ts";
import { isDecodable, masked } from "./urls.ts";

const EXPECTED = "amqp://user:password@host:port/vhost, amqps:// or embedded:";

/** The broker's addresses; passwords are masked here and shown nowhere. */
export function resolveBroker(file: TopologyFile, report: Report): Topology["broker"] {
  const { url = [], management, heartbeat, consumerTimeout } = file.broker ?? {};
  const at = "/broker/url";
  const urls = typeof url === "string" ? [{ text: url, pointer: at }] : numbered(url, at);
  const isOneOfSeveral = urls.length > 1;
  const addresses = urls.flatMap(({ text, pointer }): readonly BrokerAddress[] => {
    const parsed = parseAddress(text, isOneOfSeveral);
    if (parsed.ok) return [parsed.address];
    report.value("bad-url", pointer, parsed.message);
    return [];
  });
  return {
    addresses,
    management: resolveManagement(management, addresses, report),
    heartbeatMs: millisecondsOf(heartbeat) ?? NUMBERS.heartbeatMs,
    consumerTimeoutMs: millisecondsOf(consumerTimeout) ?? NUMBERS.consumerTimeoutMs,
  };
}

/** Where HTTP listens: loopback alone, since requests carry no keys. */
export function resolveHttp(file: TopologyFile, report: Report): Topology["http"] {
  const { host = "127.0.0.1", port = NUMBERS.httpPort } = file.http ?? {};
  if (!isLoopback(host)) {
    const message = `http.host ${JSON.stringify(host)} can be reached from outside`;
    report.value("insecure-host", "/http/host", message);
  }
  return { host, port };
}

function isLoopback(host: string): boolean {
  return (
    host === "localhost" ||
    host === "::1" ||
    /^127(\.(\d|[1-9]\d|1\d\d|2[0-4]\d|25[0-5])){3}$/.test(host)
  );
}

function numbered(
  urls: readonly (string | undefined)[],
  at: string,
): readonly { readonly text: string; readonly pointer: string }[] {
  return urls.flatMap((text, index) =>
    text === undefined ? [] : [{ text, pointer: join(at, index) }],
  );
}

type ParsedAddress =
  | { readonly ok: true; readonly address: BrokerAddress }
  | { readonly ok: false; readonly message: string };

function parseAddress(text: string, isOneOfSeveral: boolean): ParsedAddress {
  const fail = (what: string): ParsedAddress => ({ ok: false, message: `broker.url ${what}` });
  if (text === EMBEDDED) {
    if (isOneOfSeveral) return fail(`"${EMBEDDED}" is one of several, and no node of a cluster`);
    return { ok: true, address: { url: EMBEDDED, shown: EMBEDDED } };
  }
  if (text === "") return fail(`is empty, expected ${EXPECTED}`);
  // What is not wholly a url may hold a password anywhere, so nothing of it is shown.
  if (!/^amqps?:\/\/\S*$/.test(text) || !URL.canParse(text)) {
    return fail(`is no amqp url, expected ${EXPECTED}`);
  }
  const url = new URL(text);
  const shown = masked(url);
  if (url.hostname === "") return fail(`${shown} has no host`);
  if (url.search !== "" || url.hash !== "") {
    return fail("has options after ? or #, and none are read");
  }
  if (url.pathname.slice(1).includes("/")) return fail(`${shown}: / in a vhost is written %2F`);
  if (![url.username, url.password, url.pathname].every(isDecodable)) {
    return fail(`${shown}: a % in user, password or vhost is written %25`);
  }
  return { ok: true, address: { url: text, shown } };
}
