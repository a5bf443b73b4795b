import { applyTopology } from "../../../src/apply/change/apply.ts";
import type { Arguments } from "../../../src/topology.ts";
import { createRandom, type Random } from "../../support/random.ts";
import { expect, test } from "../../support/test.ts";
import type { ShortBinding, ShortTopology } from "../../support/topology.ts";
import { differences, topologiesFor } from "./on-broker.ts";

const EDITS = 2;
/** An exchange's type can't be changed, so it goes with its name. */
const TYPES = ["direct", "topic", "fanout", "headers", "topic"] as const;

/** A file as somebody may write it: some exchanges and queues of a few, bound at random. */
function randomTopology(random: Random): ShortTopology {
  const exchanges = TYPES.map((type, index) => [`x${index}`, { type }] as const).filter(
    (_, index) => index === 0 || random.below(4) > 0,
  );
  const queues = Array.from({ length: 6 }, (_, index) => `q${index}`)
    .filter(() => random.below(4) > 0)
    .map((name) => [name, randomQueue(random)] as const);
  const names = exchanges.map(([name]) => name);
  const bindings = [
    ...queues.flatMap(([name]) =>
      random.list(random.below(3), () => randomBinding(random, random.pick(names), name)),
    ),
    // Only upwards: a circle is an error.
    ...names
      .slice(1)
      .flatMap((name, index) =>
        random.below(3) === 0 ? [randomBinding(random, names[index] ?? "x0", `x>${name}`)] : [],
      ),
  ];
  const unique = new Map(bindings.map((one) => [JSON.stringify(one), one]));
  return {
    exchanges: Object.fromEntries(exchanges),
    queues: Object.fromEntries(queues),
    bindings: [...unique.values()],
  };
}

function randomQueue(random: Random) {
  // What is done to a quorum queue takes seconds, until its totals can be believed.
  const type = random.below(6) === 0 ? "quorum" : "classic";
  const args: Arguments = {
    "x-queue-type": type,
    ...random.pick<Arguments>([{}, {}, { "x-message-ttl": 60_000 }, { "x-message-ttl": 90_000 }]),
    ...random.pick<Arguments>([{}, {}, { "x-max-length": 5, "x-overflow": "reject-publish" }]),
    ...random.pick<Arguments>([{}, {}, { "x-dead-letter-exchange": "x0" }]),
  };
  const isHandled = random.below(3) === 0;
  const handler = isHandled ? { name: "work", file: "/work.ts" } : null;
  return { type, arguments: args, handler, retryDelaysMs: isHandled ? [1_000] : [] } as const;
}

function randomBinding(random: Random, source: string, destination: string): ShortBinding {
  switch (TYPES[Number(source.slice(1))]) {
    case "fanout":
      return [source, destination];
    case "headers": {
      const pages = random.pick<Arguments>([{ pages: 1 }, { pages: 1.5 }, { pages: "1" }]);
      return [source, destination, { "x-match": random.pick(["all", "any"]), ...pages }];
    }
    default:
      return [source, destination, random.pick(["a", "a.b", "c"])];
  }
}

const seen = new Set<string>();

test.for([1, 2, 3])(
  "random file %i: whatever is edited, after an apply with every flag the plan is empty",
  async (seed, { vhost }) => {
    const random = createRandom(seed);
    const permissions = { prune: true, allowReplace: true, adopt: false };
    for (let edit = 0; edit <= EDITS; edit++) {
      const { managed, overAmqp } = topologiesFor(vhost, randomTopology(random));
      const report = await applyTopology(managed, { permissions });
      const wrong = report.entries.filter(
        ({ result }) => result === "refused" || result === "conflict" || result === "kept",
      );
      expect({ edit, wrong }).toEqual({ edit, wrong: [] });
      expect(await differences(managed, overAmqp)).toEqual([]);
      for (const { kind, result } of report.entries) seen.add(`${kind} ${result}`);
    }
  },
);

test("among these edits was everything that can be done without a policy", () => {
  expect([...seen].sort()).toEqual([
    "binding created",
    "binding unbound",
    "binding unchanged",
    "exchange created",
    "exchange removed",
    "exchange unchanged",
    "queue created",
    "queue removed",
    "queue replaced",
    "queue unchanged",
  ]);
});
