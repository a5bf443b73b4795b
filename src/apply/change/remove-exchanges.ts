/** Removes exchanges that nobody uses any more, and keeps all others. */
import type { Live } from "../live.ts";
import type { PlanEntry } from "../planned.ts";
import { PRECONDITION_FAILED } from "../reply-codes.ts";
import type { Operate } from "./channels.ts";
import { type ChangeContext, visitEntries } from "./context.ts";
import { refusedResult } from "./refusal.ts";
import { type ApplyEntry, resultOf } from "./results.ts";

/** After the queues: the broker keeps an exchange that still has bindings of its own. */
export async function removeExchanges(
  context: ChangeContext,
  entries: readonly PlanEntry[],
): Promise<readonly ApplyEntry[]> {
  const live = await context.look();
  const leaving = new Set(entries.map(({ name }) => name));
  return await visitEntries(context, entries, async (entry, operate) => {
    const exchange = live.exchanges.get(entry.name);
    if (!exchange) return resultOf(entry, "removed");
    if (exchange.kind === "hidden") return resultOf(entry, "kept", exchange.detail);
    const user = userOf(entry.name, live, leaving);
    return user === null ? await remove(entry, operate) : resultOf(entry, "kept", user);
  });
}

/** Who would miss it without the broker's noticing; null: nobody that can be seen. */
function userOf(name: string, live: Live, leaving: ReadonlySet<string>): string | null {
  const source = live.bindings?.find(
    ({ destination, destinationKind, source }) =>
      destinationKind === "exchange" && destination === name && !leaving.has(source),
  );
  if (source) return `exchange "${source.source}" is bound to it`;
  for (const one of [...live.exchanges.values(), ...live.queues.values()]) {
    if (one.kind === "hidden" || (one.kind === "exchange" && leaving.has(one.name))) continue;
    const isQueue = one.kind === "queue";
    const target = one.arguments[isQueue ? "x-dead-letter-exchange" : "alternate-exchange"];
    if (target !== name) continue;
    return isQueue
      ? `queue "${one.name}" dead-letters to it`
      : `it is the alternate of exchange "${one.name}"`;
  }
  return null;
}

async function remove(entry: PlanEntry, operate: Operate): Promise<ApplyEntry> {
  const attempt = await operate(`delete exchange ${entry.name}`, (channel) =>
    channel.deleteExchange(entry.name, { ifUnused: true }),
  );
  if (attempt.ok) return resultOf(entry, "removed");
  const { code, text } = attempt.refusal;
  if (code === PRECONDITION_FAILED) return resultOf(entry, "kept", text);
  return refusedResult(entry, attempt.refusal, { [`exchange ${entry.name}`]: "configure" });
}
