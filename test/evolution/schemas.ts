/** Random schemas, changes of them, and values that a publisher who goes by them would send. */
import { isObject } from "../../src/events/encoding.ts";
import type { JsonSchema } from "../../src/topology.ts";
import type { Random } from "../support/random.ts";

const NAMES = ["a", "b", "c"];
/** A field that no schema names, so that it can tell whether others are allowed. */
const OTHER = "other";
const PATTERNS = ["^x", "^x1"];
const MATCHING = ["x1", "x2"];
const TEXTS = ["", "a", "ab", "abc", "a1", "b@c.de"];
const COUNTS = [0, 1, 2, 3];
const DEPTH = 3;

/** Makes schemas of events: objects, with one definition that refers to itself. */
export function createMaker(random: Random) {
  const { below, pick, list } = random;
  const isLucky = (one: number) => below(one) === 0;
  const some = <T extends object>(...parts: readonly (readonly [number, () => T])[]): T =>
    Object.assign({}, ...parts.filter(([one]) => isLucky(one)).map(([, make]) => make()));

  function numbers(): JsonSchema {
    return {
      type: pick(["integer", "number"]),
      ...some<JsonSchema>(
        [3, () => ({ minimum: pick(COUNTS) })],
        [4, () => ({ exclusiveMinimum: pick([0, 0.5, 1]) })],
        [3, () => ({ maximum: pick([2, 3, 4]) })],
        [5, () => ({ multipleOf: pick([1, 2, 3, 0.5]) })],
      ),
    };
  }

  function texts(): JsonSchema {
    return {
      type: "string",
      ...some<JsonSchema>(
        [3, () => ({ minLength: pick(COUNTS) })],
        [3, () => ({ maxLength: pick(COUNTS) })],
        [5, () => ({ pattern: pick(["^a", "b$"]) })],
        [6, () => ({ format: pick(["email", "uri"]) })],
      ),
    };
  }

  function listed(): JsonSchema {
    const values = list(1 + below(3), () => pick<unknown>([...TEXTS, 0, 1, 2, true, null]));
    return isLucky(3) ? { const: values[0] } : { enum: [...new Set(values)] };
  }

  function lists(depth: number): JsonSchema {
    return {
      type: "array",
      ...some<JsonSchema>(
        [2, () => ({ items: any(depth) })],
        [4, () => ({ prefixItems: list(1 + below(2), () => any(depth)) })],
        [4, () => ({ minItems: pick(COUNTS) })],
        [4, () => ({ maxItems: pick([1, 2, 3]) })],
        [5, () => ({ uniqueItems: true })],
        [6, () => ({ contains: any(depth), ...some([2, () => ({ minContains: pick(COUNTS) })]) })],
        [9, () => ({ unevaluatedItems: pick([false, { type: "string" }]) })],
      ),
    };
  }

  function fields(depth: number): JsonSchema {
    const names = NAMES.filter(() => !isLucky(3));
    return {
      type: "object",
      properties: Object.fromEntries(names.map((name) => [name, any(depth)])),
      ...some<JsonSchema>(
        [3, () => ({ required: NAMES.filter(() => isLucky(2)) })],
        [3, () => ({ additionalProperties: pick<unknown>([false, true, any(depth)]) })],
        [8, () => ({ unevaluatedProperties: pick<unknown>([false, any(depth)]) })],
        [6, () => ({ patternProperties: Object.fromEntries([[pick(PATTERNS), any(depth)]]) })],
        [9, () => ({ propertyNames: { maxLength: pick([1, 2, 5]) } })],
        [8, () => ({ dependentRequired: { [pick(NAMES)]: [pick(NAMES)] } })],
        [12, () => ({ dependentSchemas: { [pick(NAMES)]: fields(depth - 1) } })],
        [8, () => ({ minProperties: pick([0, 1, 2]) })],
        [8, () => ({ maxProperties: pick([1, 2, 3]) })],
        [8, () => ({ allOf: [fields(depth - 1)] })],
        [8, () => ({ [pick(["anyOf", "oneOf"])]: list(2, () => fields(depth - 1)) })],
        [12, () => ({ not: fields(depth - 1) })],
        [12, () => Object.fromEntries(["if", "then"].map((key) => [key, fields(depth - 1)]))],
      ),
    };
  }

  function any(depth: number): JsonSchema | boolean {
    if (depth <= 0) return pick([numbers, texts, listed, () => true as const])();
    switch (below(14)) {
      case 0:
        return pick([true, false, {}]);
      case 1:
        return { $ref: "#/$defs/node" };
      case 2:
        return { [pick(["anyOf", "oneOf"])]: list(2 + below(2), () => any(depth - 1)) };
      case 3:
        return { allOf: [any(depth - 1), any(depth - 1)] };
      case 4:
        return { type: pick([["string", "null"], ["integer", "string"], "boolean", "null"]) };
      case 5:
        return lists(depth - 1);
      case 6:
      case 7:
        return fields(depth - 1);
      case 8:
      case 9:
        return listed();
      default:
        return pick([numbers, texts])();
    }
  }

  function event(): JsonSchema {
    const node = { type: "object", properties: { a: { $ref: "#/$defs/node" }, b: any(1) } };
    return { ...fields(DEPTH), $defs: { node } };
  }

  /** The schema with one place of it made anew. */
  function changed(schema: unknown, depth = DEPTH): unknown {
    if (typeof schema === "boolean" || !isObject(schema) || isLucky(5)) return any(depth);
    const keys = Object.keys(schema).filter((key) => key !== "$ref" && key !== "$defs");
    if (keys.length === 0) return any(depth);
    const key = pick(keys);
    const { [key]: value, ...rest } = schema;
    if (isLucky(6)) return rest;
    if (key === "properties" && isObject(value)) {
      const name = pick(NAMES);
      return { ...rest, properties: { ...value, [name]: changed(value[name], depth - 1) } };
    }
    if (["items", "additionalProperties", "contains", "not"].includes(key)) {
      return { ...rest, [key]: changed(value, depth - 1) };
    }
    if (Array.isArray(value) && ["anyOf", "oneOf", "allOf", "prefixItems"].includes(key)) {
      const at = below(value.length + 1);
      const items = [...value];
      items[at] = changed(items[at], depth - 1);
      return { ...rest, [key]: items };
    }
    const { [key]: other = value } = pick([numbers, texts, () => fields(depth - 1)])();
    return { ...schema, [key]: other };
  }

  return {
    event,
    changed: (schema: JsonSchema): JsonSchema => {
      const root = changed(schema);
      const { $defs } = schema;
      return isObject(root) ? { ...root, type: "object", $defs } : event();
    },
  };
}

/**
 * Values by a schema: of alternatives one is taken, and fields are those that it names, besides one
 * that no schema has. Not every value is valid.
 */
export function createSampler(random: Random, root: JsonSchema) {
  const { below, pick, list } = random;

  /** All that is asked at one place, with an alternative chosen from each union. */
  function asked(schemas: readonly unknown[], depth = 0): readonly JsonSchema[] {
    if (depth > 8) return [];
    return schemas.filter(isObject).flatMap((schema): readonly JsonSchema[] => {
      const { $ref, allOf, anyOf, oneOf, if: condition, then } = schema;
      const { $defs } = root;
      const target = $ref === undefined || !isObject($defs) ? [] : [$defs.node];
      const chosen = [anyOf, oneOf].filter(Array.isArray).map((branches) => pick(branches));
      const taken = condition === undefined || below(2) === 0 ? [] : [condition, then];
      const more = [...target, ...(Array.isArray(allOf) ? allOf : []), ...chosen, ...taken];
      return [schema, ...asked(more, depth + 1)];
    });
  }

  function value(schemas: readonly unknown[], depth: number): unknown {
    const parts = asked(schemas);
    const listed = parts.flatMap(({ enum: values, const: one }) => {
      return Array.isArray(values) ? values : one === undefined ? [] : [one];
    });
    if (listed.length > 0 && below(8) > 0) return pick(listed);
    const types = parts.flatMap(({ type }) => (type === undefined ? [] : [type].flat()));
    const kinds = types.length > 0 ? types : ["integer", "string", "object", "array", "null"];
    switch (pick(kinds)) {
      case "object":
        return object(parts, depth);
      case "array":
        return list(below(4), () => 0).map((_, index) => item(parts, index, depth));
      case "string":
        return pick(TEXTS);
      case "integer":
        return below(6) - 1;
      case "number":
        return (below(14) - 2) / 2;
      case "boolean":
        return below(2) === 0;
      default:
        return null;
    }
  }

  function object(parts: readonly JsonSchema[], depth: number): unknown {
    const names = parts.flatMap(({ properties }) => Object.keys(properties ?? {}));
    const patterns = parts.flatMap(({ patternProperties }) => Object.keys(patternProperties ?? {}));
    const matching = MATCHING.filter((name) => patterns.some((p) => new RegExp(p).test(name)));
    const required = parts.flatMap(({ required: names }) => (Array.isArray(names) ? names : []));
    // A name that is only demanded is a promise as well.
    const saying = parts.some(({ additionalProperties: more }) => isObject(more));
    const known = [...names, ...matching, ...required, ...(saying ? NAMES : [])];
    const taken = new Set([
      ...known.filter((name) => depth < 5 && (below(3) > 0 || required.includes(name))),
      ...(below(4) === 0 ? [OTHER] : []),
    ]);
    const entries = [...taken].map((name) => {
      const schemas = parts.map(({ properties, patternProperties, ...more }) => {
        if (isObject(properties) && Object.hasOwn(properties, name)) return properties[name];
        const found = Object.entries(patternProperties ?? {}).find(([p]) =>
          new RegExp(p).test(name),
        );
        return found ? found[1] : (more.additionalProperties ?? more.unevaluatedProperties);
      });
      return [name, value(schemas, depth + 1)];
    });
    return Object.fromEntries(entries);
  }

  function item(parts: readonly JsonSchema[], index: number, depth: number): unknown {
    const schemas = parts.flatMap(({ prefixItems, items, contains, unevaluatedItems }) => [
      Array.isArray(prefixItems) && index < prefixItems.length ? prefixItems[index] : items,
      ...(below(2) === 0 ? [contains] : []),
      unevaluatedItems,
    ]);
    return depth < 5 ? value(schemas, depth + 1) : null;
  }

  return { sample: () => value([root], 0) };
}
