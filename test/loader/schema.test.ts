import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv } from "ajv";
import { expect, test } from "vitest";
import { parseQuantity } from "../../src/loader/units.ts";
import { NUMBERS } from "../../src/numbers.ts";
import { REPOSITORY } from "../support/processes.ts";

type Schema = {
  readonly description?: string;
  readonly default?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly additionalProperties?: unknown;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly definitions?: Readonly<Record<string, Schema>>;
  readonly "x-quantity"?: { readonly maximum?: number };
};

const schema: Schema = JSON.parse(
  readFileSync(join(REPOSITORY, "schemas/topology.schema.json"), "utf8"),
);

/** Every property at every depth, with its path. */
function properties(of: Schema, path = ""): readonly (readonly [string, Schema])[] {
  const own = Object.entries(of.properties ?? {}).flatMap(([name, property]) => [
    [`${path}.${name}`, property] as const,
    ...properties(property, `${path}.${name}`),
  ]);
  const defined = Object.entries(of.definitions ?? {}).flatMap(([name, definition]) =>
    properties(definition, name),
  );
  return [...own, ...defined];
}

function at(path: string): Schema {
  const found = properties(schema).find(([name]) => name === path);
  if (found === undefined) throw new Error(`no property ${path}`);
  return found[1];
}

function milliseconds(text: unknown): number {
  return quantity("duration", text);
}

function quantity(kind: "duration" | "size", text: unknown): number {
  const parsed = parseQuantity(kind, String(text));
  if (!parsed.ok) throw new Error(parsed.message);
  return parsed.value;
}

test("it is a schema by the draft that it names, which loading does not look at again", () => {
  const ajv = new Ajv();
  expect([ajv.validateSchema(schema), ajv.errors]).toEqual([true, null]);
});

test("every property says what it means", () => {
  const silent = properties(schema).filter(
    ([, { description = "" }]) => !/\w.*[.*]$/.test(description),
  );
  expect(silent.map(([path]) => path)).toEqual([]);
});

test("the defaults are those of the table of numbers", () => {
  const { concurrency, httpPort, heartbeatMs, handlerTimeoutMs } = NUMBERS;
  expect(at(".http.port").default).toBe(httpPort);
  expect(at(".defaults.concurrency").default).toBe(concurrency);
  expect(milliseconds(at(".broker.heartbeat").default)).toBe(heartbeatMs);
  expect(milliseconds(at(".defaults.timeout").default)).toBe(handlerTimeoutMs);
  expect(milliseconds(at(".broker.consumerTimeout").default)).toBe(NUMBERS.consumerTimeoutMs);
  expect(quantity("size", at(".worker.memory").default)).toBe(NUMBERS.workerHeapBytes);
  expect(at(".worker.crashes").default).toBe(NUMBERS.workerCrashes);
  expect(milliseconds(at(".worker.blocked").default)).toBe(NUMBERS.workerBlockedMs);
  expect(milliseconds(at(".drain.delay").default)).toBe(NUMBERS.drainDelayMs);
  expect(milliseconds(at(".drain.timeout").default)).toBe(NUMBERS.drainTimeoutMs);
  const retry = at(".defaults.retry").default as readonly string[];
  expect(retry.map(milliseconds)).toEqual(NUMBERS.retryDelaysMs);
  expect(at("retry.factor").default).toBe(NUMBERS.retryFactor);
  expect(milliseconds(at("retry.max").default)).toBe(NUMBERS.retryMaxMs);
  expect(at("queue.ttl")["x-quantity"]?.maximum).toBe(NUMBERS.maxTtlMs);
  expect(at("queue.ordered").description).toContain(`at most ${NUMBERS.maxOrderedPrefetch}`);
  const { workDeliveryLimit, parkedDeliveryLimit } = NUMBERS;
  expect(at("queue.deliveryLimit").description).toContain(
    `${workDeliveryLimit} with a handler, ${parkedDeliveryLimit} without`,
  );
});

test("every map with keys of its own is closed", () => {
  const all = [["", schema] as const, ...properties(schema)];
  const defined = Object.entries(schema.definitions ?? {});
  const open = [...all, ...defined].filter(
    ([, it]) => it.properties !== undefined && it.additionalProperties !== false,
  );
  expect(open.map(([path]) => path)).toEqual([]);
});
