/** The file's bindings, and those that are there and are not in the file. */
import type { LiveBinding } from "../live.ts";
import { requeueExchange } from "../objects.ts";
import type { Blocked, PlanEntry } from "../planned.ts";
import { bindingId, type OwnedBinding } from "../state/record.ts";
import { entryOf, keptEntry } from "./entry.ts";
import { hasWaitingRetries } from "./retries.ts";
import { hasEnds, liveExchange, type Scene } from "./scene.ts";

export type BindingPlan = {
  /** Those that have to go before others can take their place. */
  readonly first: readonly PlanEntry[];
  readonly wanted: readonly PlanEntry[];
  /** Those that go once everything that is wanted is bound. */
  readonly last: readonly PlanEntry[];
  /** Somebody else's, to or from what the file declares. */
  readonly foreign: readonly PlanEntry[];
};

/** `orders -> billing  order.placed`, or with its arguments in place of a key that is empty. */
export function bindingName({ source, destination, key, arguments: given }: OwnedBinding): string {
  const words = Object.keys(given).length === 0 ? [] : [JSON.stringify(given)];
  const by = [...(key === "" ? [] : [key]), ...words].join(" ");
  return `${source} -> ${destination}${by === "" ? "" : `  ${by}`}`;
}

export function planBindings(scene: Scene): BindingPlan {
  const leftover = leftoverBindings(scene);
  const isOurs = (binding: LiveBinding) => scene.ours.bindings.has(bindingId(binding));
  const going = leftover.filter((binding) => isOurs(binding) || scene.permissions.adopt);
  const weighed = going.filter((binding) => isReplacedWeight(scene, binding));
  const pairs = new Set(weighed.map(pairOf));
  // The wanted one too, where it is bound already: without effect until it is bound alone.
  const idle = (scene.live.bindings ?? []).filter(
    (binding) => pairs.has(pairOf(binding)) && scene.wanted.bindings.has(bindingId(binding)),
  );
  const rest = going.filter((binding) => !weighed.includes(binding));
  return {
    first: [...weighed, ...idle].map((binding) => unbinding(binding, null, WEIGHT_NOTES)),
    wanted: planWanted(scene, pairs),
    last: rest.map((binding) => planUnbinding(scene, binding)),
    foreign: leftover
      .filter((binding) => !going.includes(binding))
      .map((binding) => entryOf("foreign", { ...named(binding), binding })),
  };
}

/** @param unbound pairs of which nothing will be bound any more by then. */
function planWanted(scene: Scene, unbound: ReadonlySet<string>): readonly PlanEntry[] {
  const { live, ours } = scene;
  const there =
    live.bindings &&
    new Set(live.bindings.filter((one) => !unbound.has(pairOf(one))).map(bindingId));
  return scene.desired.bindings.map((desired) => {
    const id = bindingId(desired);
    const facts = { ...named(desired), desired };
    if (there) return entryOf(there.has(id) ? "unchanged" : "bind", facts);
    const isRecorded = ours.bindings.has(id) && hasEnds(scene, desired);
    return entryOf(isRecorded ? "ensure" : "bind", facts);
  });
}

/** What is bound and not wanted: ours wherever it is, and all that ends in what the file declares. */
function leftoverBindings(scene: Scene): readonly LiveBinding[] {
  const { live, state, ours, wanted } = scene;
  const isWanted = (binding: OwnedBinding) => wanted.bindings.has(bindingId(binding));
  if (live.bindings === null) {
    return (state?.owned.bindings ?? [])
      .filter((binding) => !isWanted(binding) && hasEnds(scene, binding))
      .map((binding) => ({ kind: "binding", ...binding, propertiesKey: null }));
  }
  return live.bindings.filter(
    (binding) =>
      binding.source !== "" &&
      !isWanted(binding) &&
      (ours.bindings.has(bindingId(binding)) || endsInDeclared(scene, binding)),
  );
}

function endsInDeclared(
  { wanted, renamed }: Scene,
  { destination, destinationKind }: LiveBinding,
): boolean {
  const declared =
    destinationKind === "queue"
      ? (wanted.queues.get(destination) ?? renamed.get(destination))
      : wanted.exchanges.get(destination);
  return declared !== undefined && !declared.isExternal;
}

function planUnbinding(scene: Scene, binding: LiveBinding): PlanEntry {
  const { source, key } = binding;
  if (source !== requeueExchange(scene.project)) return unbinding(binding, null);
  const isTakenOver = scene.desired.bindings.some(
    (one) => one.source === source && one.key === key,
  );
  if (isTakenOver) return unbinding(binding, null);
  if (hasWaitingRetries(scene)) {
    return keptEntry({ ...named(binding), binding }, "retries that wait come back by it");
  }
  // A runner of the file before may still send retries; its own are stopped by whoever prunes.
  const blocked: Blocked = { reason: "retries come back by it", flags: ["--prune"] };
  return unbinding(binding, scene.permissions.prune ? null : blocked);
}

const WEIGHT_NOTES = [
  "goes before the other weight comes: the broker knows one weight for each destination, the first",
  "for this instant the exchange spreads its messages over its other destinations",
];

/** Whether the file gives a destination of a consistent hash exchange another weight. */
function isReplacedWeight(scene: Scene, binding: LiveBinding): boolean {
  const { source } = binding;
  const type = scene.wanted.exchanges.get(source)?.type ?? liveExchange(scene, source)?.type;
  const pair = pairOf(binding);
  return type === "x-consistent-hash" && scene.desired.bindings.some((one) => pairOf(one) === pair);
}

function pairOf({ source, destination, destinationKind }: OwnedBinding): string {
  return JSON.stringify([source, destinationKind, destination]);
}

function unbinding(
  binding: LiveBinding,
  blocked: Blocked | null,
  notes: readonly string[] = [],
): PlanEntry {
  return entryOf("unbind", { ...named(binding), binding, blocked, notes });
}

function named(binding: OwnedBinding) {
  return { kind: "binding", name: bindingName(binding) } as const;
}
