/** The file's exchanges: created, or found equal, or in conflict, since none can be changed in place. */
import type { DesiredExchange } from "../objects.ts";
import type { Difference, PlanEntry } from "../planned.ts";
import { compareExchange, isSameValue } from "./compare.ts";
import { entryOf, hiddenEntry } from "./entry.ts";
import { policyOf } from "./policy-match.ts";
import type { Scene } from "./scene.ts";

const ALTERNATE = "alternate-exchange";

export function planExchanges(scene: Scene): readonly PlanEntry[] {
  return scene.desired.exchanges.map((desired) => planExchange(scene, desired));
}

function planExchange(scene: Scene, desired: DesiredExchange): PlanEntry {
  const { name, isExternal } = desired;
  const facts = { kind: "exchange", name, desired } as const;
  const live = scene.live.exchanges.get(name);
  if (live?.kind === "hidden") return hiddenEntry(facts, live.detail);
  if (isExternal) return planExternal(facts, desired, live?.type);
  if (!live) return planNew(scene, desired);
  const differences = compareExchange(desired, live);
  if (differences.length === 0) return entryOf("unchanged", facts);
  const policy = alternateByPolicy(scene, desired, differences);
  if (policy !== null) {
    const note = `${ALTERNATE}: given by policy "${policy}"`;
    return entryOf("unchanged", { ...facts, notes: [note] });
  }
  return entryOf("conflict", {
    ...facts,
    differences,
    blocked: { reason: "cannot be changed in place", flags: [] },
    notes: isAlternateAbsent(differences) ? alternateRecipe(desired) : recipe(desired),
  });
}

function planExternal(
  facts: { readonly kind: "exchange"; readonly name: string; readonly desired: DesiredExchange },
  { name, type }: DesiredExchange,
  liveType: string | undefined,
): PlanEntry {
  // The broker's own are always there, and are not listed.
  if (liveType === undefined && !name.startsWith("amq.")) {
    const reason = "external, so it has to be there already";
    return entryOf("missing", { ...facts, blocked: { reason, flags: [] } });
  }
  const isOther = liveType !== undefined && liveType !== type;
  const note = `the file says ${type}, and it is ${liveType}: routes are computed from the file`;
  return entryOf("unchanged", { ...facts, notes: isOther ? [note] : [] });
}

function planNew({ live }: Scene, desired: DesiredExchange): PlanEntry {
  const { name, type } = desired;
  const isKnown = live.exchangeTypes === null || live.exchangeTypes.includes(type);
  return entryOf("create", {
    kind: "exchange",
    name,
    desired,
    blocked: isKnown
      ? null
      : {
          reason: `this broker does not know the type ${type}: a plugin is not enabled`,
          flags: [],
        },
  });
}

/** The policy that gives the wanted alternate exchange where the argument is absent; null: none does. */
function alternateByPolicy(
  scene: Scene,
  desired: DesiredExchange,
  differences: readonly Difference[],
): string | null {
  if (!isAlternateAbsent(differences)) return null;
  const policy = policyOf(scene, { kind: "exchange", name: desired.name });
  const isGiven = isSameValue(policy?.definition[ALTERNATE], desired.arguments[ALTERNATE]);
  return policy && isGiven ? policy.name : null;
}

function isAlternateAbsent(differences: readonly Difference[]): boolean {
  return differences.every(({ argument, live }) => argument === ALTERNATE && live === "none");
}

function alternateRecipe({ name, arguments: wanted }: DesiredExchange): readonly string[] {
  const definition = `{ ${ALTERNATE}: ${JSON.stringify(wanted[ALTERNATE])} }`;
  const pattern = JSON.stringify(`^${escapePattern(name)}$`);
  return [
    "an alternate exchange can be given while it runs: leave it in the file, and add under policies:",
    `${JSON.stringify(`${name}-alternate`)}: { pattern: ${pattern}, applyTo: exchanges, definition: ${definition} }`,
  ];
}

function recipe({ name }: DesiredExchange): readonly string[] {
  return [
    `deleted and declared anew it would lose what is published in between. Instead, without a gap:`,
    `1. declare it under a new name, and bind to that what is bound to "${name}"`,
    "2. apply, and let publishers use the new name",
    `3. when nobody publishes to "${name}" any more, take it out of the file, and apply with --prune`,
  ];
}

function escapePattern(name: string): string {
  return name.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
}
