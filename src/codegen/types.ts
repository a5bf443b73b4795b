/** The topology's events as TypeScript: what src/generated holds. */
import { format } from "prettier";
import { eventsOfQueue, groupOf } from "../routing/events.ts";
import { repliesOfExchanges } from "../routing/replies.ts";
import type { Topology } from "../topology.ts";
import { type Declared, declare, withEventType } from "./declare.ts";
import { nameTaker, pascalCase } from "./names.ts";
import { type SharedNames, sharedDefinitions, sharedName } from "./shared.ts";

/** `path` is relative to src/generated. */
export type GeneratedFile = { readonly path: string; readonly content: string };

/** The first line of every generated file. */
export const GENERATED_HEADER =
  "// Generated from topology.yaml and schemas by `npm run generate`: do not edit.";

/**
 * The types of a topology: events.ts has a type for each event, each reply and each definition that
 * schemas share, and a union for each group; topology.ts tells the module "warren" which of them
 * reach which queue and exchange, and which queue replies what. The order of the blocks in
 * topology.yaml changes nothing.
 *
 * A field that a schema does not name is not in the type, unless the schema says
 * `additionalProperties: true`; validation lets it pass all the same. How long an array may be is
 * left to validation.
 *
 * @throws {WarrenError} `bad-event-schema` if a schema cannot become a type.
 */
export async function generateTypes(topology: Topology): Promise<readonly GeneratedFile[]> {
  const events = sortedValues(topology.events);
  const replies = sortedValues(topology.replies);
  const shared = sharedBy([...events, ...replies]);
  const names = namesOf(topology, [...shared.keys()]);
  const nameOf: SharedNames = (key) => names.shared.get(key);
  // A shared file that refers back to the event has another one in the next bundle.
  const nameInShared: SharedNames = (key) => nameOf(key) ?? "unknown";
  const all = [
    ...events.map((it) => [names.events.get(it.type), withEventType(it), nameOf] as const),
    ...replies.map((reply) => [names.replies.get(reply.queue), reply, nameOf] as const),
    ...[...shared].map(([key, it]) => [nameOf(key), it, nameInShared] as const),
  ];
  const declarations: string[] = [];
  for (const [name, declared, sharedNames] of all) {
    if (name !== undefined) declarations.push(await declare(declared, name, sharedNames));
  }
  const groups = [...names.groups].map(([group, name]) => {
    const members = events.map(({ type }) => type).filter((type) => groupOf(type) === group);
    return `export type ${name} = ${unionOf(members, names.events)};\n`;
  });
  return [
    { path: "events.ts", content: await formatted(fileOf([...declarations, ...groups])) },
    { path: "topology.ts", content: fileOf(augmentation(topology, names)) },
  ];
}

/** Only what the compiler of schemas writes needs it. */
function formatted(text: string): Promise<string> {
  return format(text, {
    parser: "typescript",
    // As a .d.ts it is not searched for JSX, which takes quadratic time.
    filepath: "events.d.ts",
    printWidth: 100,
    bracketSpacing: false,
    trailingComma: "none",
  });
}

/** Each definition that comes from another file, once, by its key; sorted. */
function sharedBy(schemas: readonly Declared[]): ReadonlyMap<string, Declared> {
  const found = new Map<string, Declared>();
  for (const { file, schema } of schemas) {
    for (const [key, definition] of sharedDefinitions(schema)) {
      if (!found.has(key)) found.set(key, { file, schema: definition });
    }
  }
  return new Map([...found].sort(([a], [b]) => (a < b ? -1 : 1)));
}

type AllNames = {
  readonly events: Names;
  readonly groups: Names;
  /** By queue. */
  readonly replies: Names;
  readonly shared: Names;
};

/** Events choose first: a schema that is shared from now on changes the name of none. */
function namesOf({ events, replies }: Topology, shared: readonly string[]): AllNames {
  const take = nameTaker();
  const named = (keys: readonly string[], wanted: (key: string) => string): Names =>
    new Map([...keys].sort().map((key) => [key, take(wanted(key))]));
  const types = Object.keys(events);
  return {
    events: named(types, pascalCase),
    groups: named([...new Set(types.map(groupOf))], (group) => `${pascalCase(group)}Event`),
    replies: named(Object.keys(replies), (queue) => `${pascalCase(queue)}Reply`),
    shared: named(shared, (key) => sharedName(key, shared)),
  };
}

/** What it is called in the topology → the name of its TypeScript type. */
type Names = ReadonlyMap<string, string>;

function augmentation(topology: Topology, names: AllNames): readonly string[] {
  const queues = sortedValues(topology.queues)
    .filter(({ handler }) => handler !== null)
    .map(({ name }) => ({ name, events: eventsOfQueue(topology, name) }));
  const exchanges = sortedValues(topology.exchanges).filter(({ internal }) => !internal);
  const used = new Set([...queues, ...exchanges].flatMap(({ events }) => events ?? []));
  const imported = [...names.events].filter(([type]) => used.has(type));
  return [
    importOf([...imported, ...names.replies].map(([, name]) => name)),
    [
      'declare module "warren" {\n',
      ...block("QueueEvents", queues, ({ name, events }) =>
        member(name, unionOf(events, names.events)),
      ),
      ...block("ExchangeEvents", exchanges, ({ name, events }) =>
        member(name, exchangeType(events, names.events)),
      ),
      ...block("QueueReplies", [...names.replies], ([queue, name]) => member(queue, name)),
      ...block("ExchangeReplies", repliesByExchange(topology, names.replies), ([name, replies]) =>
        member(name, replies),
      ),
      "}\n",
    ].join(""),
  ];
}

function block<T>(
  name: string,
  items: readonly T[],
  write: (item: T) => string,
): readonly string[] {
  return [`  interface ${name} {\n`, ...items.map(write), "  }\n"];
}

/**
 * Exchange → the type of what is replied there, by routing key. What stands for any other key has
 * to fit those that are named beside it.
 */
function repliesByExchange(
  topology: Topology,
  names: Names,
): readonly (readonly [string, string])[] {
  return [...repliesOfExchanges(topology)].map(([exchange, byKey]) => {
    const members = [...byKey].map(([key, queues]) =>
      key === null
        ? `      [key: string]: ${byKey.size > 1 ? "unknown" : unionOf(queues, names)};\n`
        : member(key, unionOf(queues, names), "      "),
    );
    return [exchange, `{\n${members.join("")}    }`] as const;
  });
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
