import { dirname, join as joinPath } from "node:path";
import { comparePlaces, type Problem } from "../errors.ts";
import type { Binding, Topology } from "../topology.ts";
import { checkAckTimeouts } from "./ack-timeout.ts";
import { resolveBind, type Sources } from "./bindings.ts";
import { resolveBroker, resolveHttp } from "./broker.ts";
import { checkDeadLetters } from "./dead-letters.ts";
import { type Document, parse } from "./document.ts";
import { type LoadedEvents, loadEvents, unique } from "./events.ts";
import { resolveExchangeBindings, resolveExchanges } from "./exchanges.ts";
import type { TopologyFile } from "./file.ts";
import { lint } from "./lint/lint.ts";
import { Warnings } from "./lint/warnings.ts";
import { join } from "./pointer.ts";
import { resolvePolicies } from "./policies.ts";
import { resolveDrain, resolveWorker } from "./process.ts";
import { resolveQueues } from "./queues.ts";
import { checkReplies, type LoadedReplies, loadReplies } from "./replies.ts";
import { Report } from "./report.ts";
import { SchemaFolder } from "./schemas/folder.ts";
import { checkShape } from "./shape.ts";
import { readSource } from "./source.ts";
import { resolveStores } from "./stores.ts";
import { substitute } from "./variables.ts";

export type LoadOptions = {
  /** Path of topology.yaml as the user named it; schemas is looked for beside it. */
  readonly file: string;
  /** What `${VAR}` in broker, http and stores is replaced by. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Default: src/handlers beside the file. */
  readonly handlersDirectory?: string;
  /** What to read in place of the file; an earlier load's `text`, for schemas and handlers alone. */
  readonly text?: string;
};

export type Loaded =
  | {
      readonly ok: true;
      readonly topology: Topology;
      /** What stood in the file. */
      readonly text: string;
      readonly warnings: readonly Problem[];
    }
  | {
      readonly ok: false;
      readonly problems: readonly Problem[];
      readonly warnings: readonly Problem[];
    };

/**
 * Reads topology.yaml and the JSON Schemas: the topology, or every problem at once, and beside
 * them every warning, sorted by file, line and column. A user's mistake is never thrown.
 */
export function load(options: LoadOptions): Loaded {
  const folder = dirname(options.file);
  const schemas = joinPath(folder, "schemas");
  const files = new SchemaFolder(schemas);
  const events = loadEvents(joinPath(schemas, "events"), files);
  const replies = loadReplies(joinPath(schemas, "replies"), files);
  const ofSchemas = unique([...events.problems, ...replies.problems]);
  const { text: kept } = options;
  const source =
    kept === undefined ? readSource(options.file) : ({ ok: true, text: kept } as const);
  if (!source.ok) return failed([source.problem, ...ofSchemas]);
  const parsed = parse(options.file, source.text);
  if (!parsed.ok) return failed([...parsed.problems, ...ofSchemas]);
  const report = new Report(parsed.document);
  const topology = resolve(parsed.document, options, { events, replies }, report);
  const ofReplies = checkReplies(topology.replies, topology.queues);
  const problems = [...report.problems, ...ofSchemas, ...ofReplies];
  const warnings = [...report.warnings].sort(comparePlaces);
  if (problems.length > 0) return failed(problems, warnings);
  return { ok: true, topology: freeze(topology), text: source.text, warnings };
}

function resolve(
  document: Document,
  { file: name, env, handlersDirectory }: LoadOptions,
  { events, replies }: { readonly events: LoadedEvents; readonly replies: LoadedReplies },
  report: Report,
): Topology {
  const handlers = handlersDirectory ?? joinPath(dirname(name), "src", "handlers");
  const file = checkShape(document, substitute(document, env, report), report);
  const exchanges = resolveExchanges(file, events.types, report);
  const sources: Sources = { names: Object.keys(file.exchanges ?? {}), exchanges, report };
  const queues = resolveQueues(file, handlers, report);
  const bindings = [
    ...resolveExchangeBindings(file, sources),
    ...resolveQueueBindings(file, sources),
  ];
  const broker = resolveBroker(file, report);
  checkAckTimeouts(queues, broker.consumerTimeoutMs, report);
  const topology: Topology = {
    file: name,
    project: file.project ?? "",
    broker,
    http: resolveHttp(file, report),
    stores: resolveStores(file, report),
    worker: resolveWorker(file),
    drain: resolveDrain(file, report),
    exchanges,
    queues,
    bindings,
    policies: resolvePolicies(file, report),
    events: events.schemas,
    replies: replies.schemas,
    places: {
      project: report.placeOf("/project", "value"),
      broker: report.placeOf("/broker", "key"),
      http: report.placeOf("/http", "key"),
      stores: report.placeOf("/stores", "key"),
    },
  };
  const warnings = new Warnings(file, report);
  checkDeadLetters({ file, queues, network: topology, report, warnings });
  lint(file, topology, { report, warnings });
  return topology;
}

function resolveQueueBindings(file: TopologyFile, sources: Sources): readonly Binding[] {
  return Object.entries(file.queues ?? {}).flatMap(([name, block]) => {
    const pointer = join("/queues", name, "bind");
    const destination = { destination: name, destinationKind: "queue" } as const;
    return resolveBind(block?.bind, pointer, destination, sources);
  });
}

function failed(problems: readonly Problem[], warnings: readonly Problem[] = []): Loaded {
  return { ok: false, problems: [...problems].sort(comparePlaces), warnings };
}

/** Deeply; the topology is shared by everything that runs. */
function freeze<T>(value: T): T {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const item of Object.values(value)) freeze(item);
  return value;
}
