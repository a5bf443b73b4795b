/** What is somebody else's: said where it touches what the file declares, else only counted. */

import { counted } from "../../counted.ts";
import type { LiveExchange, LiveQueue } from "../live.ts";
import type { Plan, PlanEntry } from "../planned.ts";
import { bindingId } from "../state/record.ts";
import { entryOf } from "./entry.ts";
import { liveExchange, liveQueues, type Scene } from "./scene.ts";

export type ForeignObjects = Pick<Plan, "others"> & { readonly entries: readonly PlanEntry[] };

export function planForeign(scene: Scene): ForeignObjects {
  const queues = liveQueues(scene).filter(
    ({ name }) => !scene.wanted.queues.has(name) && !scene.ours.queues.has(name),
  );
  const exchanges = [...scene.live.exchanges.keys()].flatMap((name) => {
    const isOurs = scene.wanted.exchanges.has(name) || scene.ours.exchanges.has(name);
    const live = isOurs ? undefined : liveExchange(scene, name);
    return live ? [live] : [];
  });
  const ways = waysFrom(scene);
  const touching = [
    // Those of one connection come and go with it.
    ...queues.filter(({ exclusive }) => !exclusive).map((queue) => describe(scene, queue, ways)),
    ...exchanges.map((exchange) => describe(scene, exchange, ways)),
  ].filter(({ notes }) => notes.length > 0);
  const untouched = (kind: PlanEntry["kind"], all: number) =>
    all - touching.filter((entry) => entry.kind === kind).length;
  return {
    entries: touching,
    others: {
      queues: untouched("queue", queues.length),
      exchanges: untouched("exchange", exchanges.length),
    },
  };
}

/** The exchanges to which somebody else has bound it. */
export function foreignSources(
  { live, ours }: Scene,
  kind: "queue" | "exchange",
  name: string,
): readonly string[] {
  const foreign = (live.bindings ?? []).filter(
    (binding) =>
      binding.destinationKind === kind &&
      binding.destination === name &&
      !ours.bindings.has(bindingId(binding)),
  );
  return [...new Set(foreign.map(({ source }) => source))];
}

/** `queue q` → the declared exchanges that it is bound from, each with the number of its bindings. */
type Ways = ReadonlyMap<string, ReadonlyMap<string, number>>;

function waysFrom(scene: Scene): Ways {
  const ways = new Map<string, Map<string, number>>();
  for (const { source, destination, destinationKind } of scene.live.bindings ?? []) {
    if (!isDeclared(scene, source)) continue;
    const id = `${destinationKind} ${destination}`;
    const sources = ways.get(id) ?? new Map<string, number>();
    ways.set(id, sources.set(source, (sources.get(source) ?? 0) + 1));
  }
  return ways;
}

function describe(scene: Scene, live: LiveExchange | LiveQueue, ways: Ways): PlanEntry {
  const sources = [...(ways.get(`${live.kind} ${live.name}`) ?? [])];
  const argument = live.kind === "queue" ? "x-dead-letter-exchange" : "alternate-exchange";
  const target = live.arguments[argument];
  const heir = live.kind === "queue" ? scene.renamed.get(live.name) : undefined;
  return entryOf("foreign", {
    kind: live.kind,
    name: live.name,
    counts: live.kind === "queue" ? live.counts : null,
    notes: [
      ...(heir ? [`${heir.name} takes its place`] : []),
      ...(sources.length === 0
        ? []
        : [
            `bound from ${sources.map(([name, keys]) => `${name}, ${counted(keys, "key")}`).join("; ")}`,
          ]),
      ...(typeof target === "string" && isDeclared(scene, target)
        ? [`its ${argument} is ${target}`]
        : []),
    ],
  });
}

/** Who shares an external exchange is not this project's concern. */
function isDeclared({ wanted }: Scene, exchange: string): boolean {
  return wanted.exchanges.get(exchange)?.isExternal === false;
}
