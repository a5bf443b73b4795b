import type { BrokerAddress, Topology } from "../topology.ts";
import type { TopologyFile } from "./file.ts";
import type { Report } from "./report.ts";
import { isDecodable, masked } from "./urls.ts";

const EXPECTED = "redis://user:password@host:port/database or rediss://";
const AT = "/stores/idempotency";

/** What runners share; passwords are masked here and shown nowhere. */
export function resolveStores({ stores = {} }: TopologyFile, report: Report): Topology["stores"] {
  const { idempotency = "" } = stores;
  return { idempotency: idempotency === "" ? null : resolveUrl(idempotency, report) };
}

function resolveUrl(text: string, report: Report): BrokerAddress | null {
  const problem = urlProblem(text);
  if (problem === null) return { url: text, shown: masked(new URL(text)) };
  report.value("bad-url", AT, `stores.idempotency ${problem}`);
  return null;
}

function urlProblem(text: string): string | null {
  // What is not wholly a url may hold a password anywhere, so nothing of it is shown.
  if (!/^rediss?:\/\/\S+$/.test(text) || !URL.canParse(text)) {
    return `is no redis url, expected ${EXPECTED}`;
  }
  const url = new URL(text);
  const shown = masked(url);
  if (url.hostname === "") return `${shown} has no host`;
  if (url.search !== "" || url.hash !== "") return "has options after ? or #, and none are read";
  if (!/^\/?\d*$/.test(url.pathname)) return `${shown}: the database is a number`;
  if (![url.username, url.password].every(isDecodable)) {
    return `${shown}: a % in user or password is written %25`;
  }
  return null;
}
