/** The topology's events as TypeScript: what src/generated holds. */
import { eventsOfQueue, groupOf } from "../routing/events.ts";
import type { Topology } from "../topology.ts";
import { declareEvent } from "./events.ts";
import { nameTaker, pascalCase } from "./names.ts";

/** `path` is relative to src/generated. */
export type GeneratedFile = { readonly path: string; readonly content: string };

/** The first line of every generated file. */
export const GENERATED_HEADER =
  "// Generated from topology.yaml and schemas/events by `npm run generate`: do not edit.";

/**
 * The types of a topology: events.ts has a type for each event and a union for each group;
 * topology.ts tells the module "warren" which of them reach which queue and exchange. The order of
 * the blocks in topology.yaml changes nothing.
 *
 * A field that a schema does not name is not in the type, unless the schema says
 * `additionalProperties: true`; validation lets it pass all the same. How long an array may be is
 * left to validation.
 *
 * @throws {WarrenError} `bad-event-schema` if a schema cannot become a type.
 */
export async function generateTypes(topology: Topology): Promise<readonly GeneratedFile[]> {
  const types = Object.keys(topology.events).sort();
  const take = nameTaker();
  const names = new Map(types.map((type) => [type, take(pascalCase(type))]));
  const declarations: string[] = [];
  for (const [type, name] of names) {
    const event = topology.events[type];
    if (event !== undefined) declarations.push(await declareEvent(event, name));
  }
  const groups = [...new Set(types.map(groupOf))].map((group) => {
    const members = types.filter((type) => groupOf(type) === group);
    return `export type ${take(`${pascalCase(group)}Event`)} = ${unionOf(members, names)};\n`;
  });
  return [
    { path: "events.ts", content: fileOf([...declarations, ...groups]) },
    { path: "topology.ts", content: fileOf(augmentation(topology, names)) },
  ];
}

/** Event type → the name of its TypeScript type. */
type Names = ReadonlyMap<string, string>;

function augmentation(topology: Topology, names: Names): readonly string[] {
  const queues = sortedValues(topology.queues)
    .filter(({ handler }) => handler !== null)
    .map(({ name }) => ({ name, events: eventsOfQueue(topology, name) }));
  const exchanges = sortedValues(topology.exchanges).filter(({ internal }) => !internal);
  const used = new Set([...queues, ...exchanges].flatMap(({ events }) => events ?? []));
  return [
    importOf([...names].filter(([type]) => used.has(type)).map(([, name]) => name)),
    [
      'declare module "warren" {\n',
      "  interface QueueEvents {\n",
      ...queues.map(({ name, events }) => member(name, unionOf(events, names))),
      "  }\n  interface ExchangeEvents {\n",
      ...exchanges.map(({ name, events }) => member(name, exchangeType(events, names))),
      "  }\n}\n",
    ].join(""),
  ];
}

/** Only what is used, for noUnusedLocals; a file without an import needs an export to be a module. */
function importOf(names: readonly string[]): string {
  if (names.length === 0) return "export {};\n";
  const lines = [...names].sort().map((name) => `  ${name},\n`);
  return `import type {\n${lines.join("")}} from "./events.ts";\n`;
}

/** What may be published to an exchange: an event for each of its types; null is any JSON. */
function exchangeType(events: readonly string[] | null, names: Names): string {
  if (events === null) return "unknown";
  const members = [...events].sort().map((type) => member(type, unionOf([type], names), "      "));
  return `{\n${members.join("")}    }`;
}

/** null is any JSON, none is `never`. */
function unionOf(types: readonly string[] | null, names: Names): string {
  if (types === null) return "unknown";
  const members = [...types].sort().map((type) => names.get(type) ?? "unknown");
  return members.length === 0 ? "never" : members.join(" | ");
}

/** Keys are always quoted: a name may hold any character. */
function member(key: string, type: string, indent = "    "): string {
  return `${indent}${JSON.stringify(key)}: ${type};\n`;
}

function sortedValues<T>(record: Readonly<Record<string, T>>): readonly T[] {
  return Object.entries(record)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, value]) => value);
}

function fileOf(parts: readonly string[]): string {
  return [GENERATED_HEADER, ...parts.map((part) => part.trim())].join("\n\n").concat("\n");
}
