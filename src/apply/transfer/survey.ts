import { Tally, type Unmanaged } from "./found.ts";
import type { JsonReader } from "./json-reader.ts";

/** The kinds of object that import takes, as definitions name them. */
export const SECTIONS = ["exchanges", "queues", "bindings", "policies"] as const;
export type Section = (typeof SECTIONS)[number];
export type Counts = Readonly<Record<Section, number>>;

/** What definitions hold, at first sight. */
export type Survey = {
  /** `3.10.8`; null: they don't say. */
  readonly version: string | null;
  /** Of definitions of one vhost, whose objects don't name it; null: they don't say. */
  readonly vhost: string | null;
  /** The vhosts that are listed as such; null: there is no such list. */
  readonly listed: ReadonlySet<string> | null;
  /** By vhost; null: objects that name none. */
  readonly counts: ReadonlyMap<string | null, Counts>;
  /** Offsets at which a vhost is named first by an object. */
  readonly firstAt: ReadonlyMap<string, number>;
  readonly unmanaged: readonly Unmanaged[];
};

/** What warren does not manage: in words, and the members that name one. */
const OTHERS: Readonly<
  Record<string, { readonly kind: string; readonly members: readonly string[] }>
> = {
  users: { kind: "users", members: ["name"] },
  permissions: { kind: "permissions", members: ["user", "vhost"] },
  topic_permissions: { kind: "topic permissions", members: ["user", "exchange"] },
  parameters: { kind: "parameters", members: ["component", "name"] },
  global_parameters: { kind: "global parameters", members: ["name"] },
};
const OPERATOR_POLICY = "operator_policy";

/**
 * Reads definitions once, without keeping them.
 *
 * @throws {WarrenError} bad-definitions
 */
export function survey(reader: JsonReader): Survey {
  const counts = new Map<string | null, Record<Section, number>>();
  const firstAt = new Map<string, number>();
  const tally = new Tally();
  const texts = new Map<string, string>();
  let listed: Set<string> | null = null;
  let isAny = false;
  reader.members((key) => {
    const other = Object.hasOwn(OTHERS, key) ? OTHERS[key] : undefined;
    if (isSection(key)) {
      isAny = true;
      eachOf(reader, key, ["vhost"], ({ vhost }, at) => {
        count(counts, vhost ?? null, key);
        if (vhost !== undefined && !firstAt.has(vhost)) firstAt.set(vhost, at);
      });
    } else if (key === "vhosts") {
      const names = new Set<string>();
      eachOf(reader, key, ["name"], ({ name }) => names.add(name ?? ""));
      listed = names;
    } else if (other !== undefined) {
      eachOf(reader, key, other.members, (item) => {
        const isPolicy = item.component === OPERATOR_POLICY;
        const name = other.members.map((member) => item[member] ?? "").join(" ");
        tally.add(isPolicy ? "operator policies" : other.kind, isPolicy ? (item.name ?? "") : name);
      });
    } else if (reader.peek() === "scalar") texts.set(key, String(reader.scalar()));
    else reader.skip();
  });
  reader.end();
  if (!isAny) throw reader.refuse(`has none of ${SECTIONS.join(", ")}: no definitions`, 0);
  const version = texts.get("rabbitmq_version") ?? texts.get("rabbit_version") ?? null;
  const vhost = texts.get("original_vhost_name") ?? null;
  return { version, vhost, listed, counts, firstAt, unmanaged: tally.all };
}

/** Whether import takes this section of definitions. */
export function isSection(key: string): key is Section {
  return SECTIONS.some((section) => section === key);
}

/** The members of each item of a section that are asked for and are text. */
function eachOf(
  reader: JsonReader,
  section: string,
  members: readonly string[],
  take: (item: Readonly<Record<string, string>>, at: number) => void,
): void {
  expectKind(reader, "array", `/${section} must be a list`);
  reader.items((index) => {
    const at = expectKind(reader, "object", `/${section}/${index} must be an object`);
    const item: Record<string, string> = Object.create(null);
    reader.members((key) => {
      if (!members.includes(key) || reader.peek() !== "scalar") reader.skip();
      else item[key] = String(reader.scalar());
    });
    take(item, at);
  });
}

/** @returns the offset of the value. */
function expectKind(reader: JsonReader, kind: "array" | "object", message: string): number {
  const found = reader.peek();
  const { at } = reader;
  if (found === kind) return at;
  // What is no JSON at all is said as that.
  if (found === "scalar") reader.scalar();
  throw reader.refuse(message, at);
}

function count(
  counts: Map<string | null, Record<Section, number>>,
  vhost: string | null,
  section: Section,
): void {
  let known = counts.get(vhost);
  if (known === undefined) {
    known = { exchanges: 0, queues: 0, bindings: 0, policies: 0 };
    counts.set(vhost, known);
  }
  known[section]++;
}
