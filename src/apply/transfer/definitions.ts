/** definitions.json, as a broker exports it, of one of its vhosts. */
import { quoted } from "../../errors.ts";
import type { PolicyTarget } from "../../topology.ts";
import type { LiveBinding, LiveExchange, LivePolicy } from "../live.ts";
import { Item } from "./definitions-item.ts";
import { checkCount, type Found, type FoundQueue } from "./found.ts";
import { JsonReader } from "./json-reader.ts";
import { isSection, type Section, type Survey, survey } from "./survey.ts";
import { checkVhosts, chooseVhost } from "./vhosts.ts";

export type DefinitionsSource = {
  readonly bytes: Buffer;
  /** As the user named it. */
  readonly file: string;
  /** null: the only one. */
  readonly vhost: string | null;
};

/**
 * Reads the objects of a vhost.
 *
 * @throws {WarrenError} bad-definitions with its place; several-vhosts; bad-argument for a vhost
 *   that is not there; file-too-large
 */
export function readDefinitions({ bytes, file, vhost: wanted }: DefinitionsSource): Found {
  const seen = survey(new JsonReader(bytes, file));
  const reader = new JsonReader(bytes, file);
  checkVhosts(seen, reader);
  const vhost = chooseVhost(seen, wanted, file);
  checkCount(sumOf(seen.counts, vhost));
  const items = new Map<object, Item>();
  const sections = readItems(reader, vhost);
  const read = <T extends object>(section: Section, make: (item: Item) => T): readonly T[] => {
    if (section !== "bindings") checkTwins(sections[section]);
    return sections[section].map((item) => {
      const object = make(item);
      items.set(object, item);
      return object;
    });
  };
  const { version, listed } = seen;
  const others = [...(listed ?? [])].filter((name) => name !== vhost);
  return {
    vhost,
    origin: version === null ? file : `${file} of RabbitMQ ${version}`,
    exchanges: withBrokersOwn(read("exchanges", readExchange)),
    queues: read("queues", readQueue),
    bindings: read("bindings", readBinding).filter(({ source }) => source !== ""),
    policies: read("policies", readPolicy),
    unmanaged: [
      ...seen.unmanaged,
      ...(others.length === 0
        ? []
        : [{ kind: "other vhosts", count: others.length, names: others.slice(0, 10) }]),
    ],
    unseen: [],
    placeOf: (object, ...keys) => {
      const item = items.get(object);
      if (item === undefined) throw new RangeError("no object of these definitions");
      return item.placeOf(...keys);
    },
  };
}

function checkTwins(items: readonly Item[]): void {
  const names = new Set<string>();
  for (const item of items) {
    const name = item.text("name");
    if (names.has(name)) throw item.refuse("name", `is there twice: ${quoted(name)}`);
    names.add(name);
  }
}

function sumOf(counts: Survey["counts"], vhost: string | null): number {
  const own = [counts.get(vhost), vhost === null ? undefined : counts.get(null)];
  return own
    .flatMap((it) => (it === undefined ? [] : Object.values(it)))
    .reduce((sum, count) => sum + count, 0);
}

function readItems(
  reader: JsonReader,
  vhost: string | null,
): Readonly<Record<Section, readonly Item[]>> {
  const items: Record<Section, Item[]> = { exchanges: [], queues: [], bindings: [], policies: [] };
  reader.members((key) => {
    if (!isSection(key)) reader.skip();
    else {
      reader.items((index) => {
        // Skimmed first: of another vhost nothing is kept.
        reader.peek();
        const start = reader.at;
        if (isOf(reader, vhost)) {
          reader.rewind(start);
          items[key].push(new Item(reader, `/${key}/${index}`));
        }
      });
    }
  });
  return items;
}

function isOf(reader: JsonReader, vhost: string | null): boolean {
  let is = true;
  reader.members((key) => {
    if (key === "vhost" && reader.peek() === "scalar") is = reader.scalar() === vhost;
    else reader.skip();
  });
  return is;
}

function readExchange(item: Item): LiveExchange {
  return {
    kind: "exchange",
    name: item.text("name"),
    type: item.text("type"),
    durable: item.flag("durable"),
    autoDelete: item.flag("auto_delete", false),
    internal: item.flag("internal", false),
    arguments: item.arguments("arguments"),
  };
}

/** Definitions leave them out, though bindings lead to and from them. */
const BROKERS_OWN = {
  direct: "direct",
  fanout: "fanout",
  headers: "headers",
  match: "headers",
  topic: "topic",
};

function withBrokersOwn(exchanges: readonly LiveExchange[]): readonly LiveExchange[] {
  const names = new Set(exchanges.map(({ name }) => name));
  const own = Object.entries(BROKERS_OWN).map(
    ([word, type]): LiveExchange => ({
      kind: "exchange",
      name: `amq.${word}`,
      type,
      durable: true,
      autoDelete: false,
      internal: false,
      arguments: {},
    }),
  );
  return [...exchanges, ...own.filter(({ name }) => !names.has(name))];
}

function readQueue(item: Item): FoundQueue {
  const type = item.has("type") ? item.text("type") : "classic";
  return {
    kind: "queue",
    name: item.text("name"),
    durable: item.flag("durable"),
    autoDelete: item.flag("auto_delete", false),
    exclusive: false,
    arguments: { "x-queue-type": type, ...item.arguments("arguments") },
  };
}

function readBinding(item: Item): LiveBinding {
  return {
    kind: "binding",
    source: item.text("source"),
    destination: item.text("destination"),
    destinationKind: item.choice("destination_type", ["queue", "exchange"]),
    key: item.text("routing_key"),
    arguments: item.arguments("arguments"),
    propertiesKey: null,
  };
}

const TARGETS: readonly PolicyTarget[] = [
  "all",
  "exchanges",
  "queues",
  "classic_queues",
  "quorum_queues",
  "streams",
];

function readPolicy(item: Item): LivePolicy {
  return {
    kind: "policy",
    name: item.text("name"),
    pattern: item.text("pattern"),
    applyTo: item.has("apply-to") ? item.choice("apply-to", TARGETS) : "all",
    priority: item.has("priority") ? item.integer("priority") : 0,
    definition: item.arguments("definition"),
  };
}
