/** Where import looks, and what stands above the queues in the file that it writes. */
import { createReadStream, readFileSync } from "node:fs";
import { parseDocument } from "yaml";
import { assertSameBroker, readOverview } from "../apply/inspect/identity.ts";
import { managementOf, openManagement, vhostOf } from "../apply/inspect/management.ts";
import { readDefinitions } from "../apply/transfer/definitions.ts";
import type { Found } from "../apply/transfer/found.ts";
import { findLive, listVhosts } from "../apply/transfer/listing.ts";
import type { Head } from "../apply/transfer/topology-file.ts";
import { connectBroker } from "../connect.ts";
import { messageOf, quoted, WarrenError } from "../errors.ts";
import { managementProblem } from "../loader/management.ts";
import { masked } from "../loader/urls.ts";
import { NUMBERS } from "../numbers.ts";
import type { BrokerAddress } from "../topology.ts";
import { type Context, loadOrReport } from "./command.ts";

export type ImportSource = {
  /** Definitions, as a broker exports them. */
  readonly from?: string;
  /** The url of a management API. Without both: `broker.management` of topology.yaml. */
  readonly management?: string;
  readonly vhost?: string;
  readonly project?: string;
};

export type Opened = { readonly found: Found; readonly head: Head };

/**
 * Reads what is to be imported.
 *
 * @returns null where topology.yaml has mistakes, which are reported.
 * @throws {WarrenError} bad-argument, bad-definitions, several-vhosts, file-too-large,
 *   management-failed, management-refused, management-mismatch
 */
export async function openSource(context: Context, source: ImportSource): Promise<Opened | null> {
  const { from, management } = source;
  if (from !== undefined && management !== undefined) {
    throw bad("--from and --management exclude each other");
  }
  if (from !== undefined) return await fromDefinitions(from, source);
  if (management !== undefined) return await fromManagement(management, source);
  return await fromTopology(context, source);
}

async function fromDefinitions(file: string, source: ImportSource): Promise<Opened> {
  const found = readDefinitions({
    bytes: await readBounded(file),
    file,
    vhost: source.vhost ?? null,
  });
  const broker = {
    url: `\${RABBITMQ_URL:-${amqpUrl("127.0.0.1", found.vhost ?? "/")}}`,
    ...(found.policies.length > 0 && { management: "${RABBITMQ_MANAGEMENT_URL:-}" }),
  };
  return { found, head: { project: projectOf(found, source), broker } };
}

/** A pipe has no size, so what is read is counted. */
async function readBounded(file: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > NUMBERS.maxDefinitionsBytes) break;
      chunks.push(chunk);
    }
  } catch (cause) {
    const message = `${quoted(file)} cannot be read: ${messageOf(cause)}`;
    throw new WarrenError("bad-definitions", message, { cause });
  }
  if (size <= NUMBERS.maxDefinitionsBytes) return Buffer.concat(chunks);
  const message = `${quoted(file)} has more than ${NUMBERS.maxDefinitionsBytes} bytes, which is not read`;
  throw new WarrenError("bad-definitions", message);
}

async function fromManagement(text: string, source: ImportSource): Promise<Opened> {
  const problem = managementProblem(text, undefined);
  if (problem !== null) throw new WarrenError("bad-url", `--management ${problem}`);
  const url = new URL(text);
  const address: BrokerAddress = { url: url.href, shown: masked(url) };
  const open = (vhost: string) => {
    const amqp = amqpUrl(url.hostname, vhost);
    return openManagement(address, { amqp: { url: amqp, shown: amqp }, vhost });
  };
  const vhost = source.vhost ?? (await onlyVhost(await listVhosts(open("/")), address));
  const found = await findLive(open(vhost));
  const api = Object.assign(new URL(url), { username: "", password: "" }).href;
  const broker = {
    url: `\${RABBITMQ_URL:-${amqpUrl(url.hostname, vhost)}}`,
    management: `\${RABBITMQ_MANAGEMENT_URL:-${api}}`,
  };
  return { found, head: { project: projectOf(found, source), broker } };
}

function onlyVhost(vhosts: readonly string[], { shown }: BrokerAddress): string {
  const [only = "/", ...others] = vhosts;
  if (others.length === 0) return only;
  const list = vhosts.map(quoted).join(", ");
  throw new WarrenError("several-vhosts", `the broker at ${shown} has vhosts ${list}`);
}

async function fromTopology(context: Context, source: ImportSource): Promise<Opened | null> {
  const topology = loadOrReport(context);
  if (!topology) return null;
  const management = managementOf(topology);
  const [amqp] = topology.broker.addresses;
  if (management === null || amqp === undefined) {
    const hint = `name a source: --from FILE, --management URL, or broker.management in ${context.file}`;
    throw bad(hint);
  }
  if (source.vhost !== undefined && source.vhost !== vhostOf(amqp)) {
    throw bad(`--vhost ${quoted(source.vhost)}, and broker.url names ${quoted(vhostOf(amqp))}`);
  }
  const connection = await connectBroker({ ...topology.broker, name: "warren import" });
  try {
    const overview = await readOverview(management);
    assertSameBroker(connection, overview, management, { isProven: false });
  } finally {
    await connection.close();
  }
  const { broker } = parseDocument(readFileSync(context.file, "utf8")).toJS() as {
    readonly broker: object;
  };
  const project = source.project ?? topology.project;
  return { found: await findLive(management), head: { project, broker } };
}

function amqpUrl(host: string, vhost: string): string {
  return vhost === "/" ? `amqp://${host}` : `amqp://${host}/${encodeURIComponent(vhost)}`;
}

/** A name that no project has in this vhost: its objects would be taken for this one's. */
function projectOf({ vhost, queues, exchanges }: Found, { project }: ImportSource): string {
  const word = (vhost ?? "").toLowerCase().replaceAll(/[^a-z0-9]+/g, "-");
  const base =
    word
      .replace(/^[^a-z]+/, "")
      .slice(0, 40)
      .replace(/-$/, "") || "imported";
  const isTaken = (name: string) =>
    [...queues, ...exchanges].some((it) => it.name.startsWith(`warren.${name}.`));
  if (project === undefined) return isTaken(base) ? `${base}-imported` : base;
  if (!/^[a-z][a-z0-9-]{0,62}$/.test(project)) {
    throw bad(`--project must be a word of a-z, 0-9 and -, found ${quoted(project)}`);
  }
  if (isTaken(project)) throw bad(`--project ${quoted(project)} is there: warren.${project}.*`);
  return project;
}

function bad(message: string): WarrenError {
  return new WarrenError("bad-argument", message);
}
