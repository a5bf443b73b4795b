import { type BrokerAddress, EMBEDDED } from "../topology.ts";
import type { Report } from "./report.ts";
import { isDecodable, masked } from "./urls.ts";

const AT = "/broker/management";

/** The address of the management API; null: none. */
export function resolveManagement(
  text: string | undefined,
  [node]: readonly BrokerAddress[],
  report: Report,
): BrokerAddress | null {
  if (text === undefined || text === "") return null;
  const problem = managementProblem(text, node);
  if (problem !== null) {
    report.value("bad-url", AT, `broker.management ${problem}`);
    return null;
  }
  const url = new URL(text);
  return { url: url.href, shown: masked(url) };
}

/** What is wrong with the url of a management API, beside this broker; null: nothing. */
export function managementProblem(text: string, node: BrokerAddress | undefined): string | null {
  // What is not wholly a url may hold a password anywhere, so nothing of it is shown.
  if (!/^https?:\/\/\S+$/.test(text) || !URL.canParse(text)) {
    return "is no http url, expected http://user:password@host:port or https://";
  }
  const url = new URL(text);
  const shown = masked(url);
  if (url.search !== "" || url.hash !== "") return "has options after ? or #, and none are read";
  if (/\/api\/?$/.test(url.pathname)) return `${shown}: warren adds /api itself`;
  if (![url.username, url.password].every(isDecodable)) {
    return `${shown}: a % in user or password is written %25`;
  }
  return node?.url === EMBEDDED
    ? `is ${shown}, and broker.url is "${EMBEDDED}", which has a management API of its own`
    : null;
}
