/** What policies make of the queues of a replacement. */
import { WarrenError } from "../../errors.ts";
import type { PolicyTarget, QueueType } from "../../topology.ts";
import { listRows } from "../inspect/row.ts";
import { type AnyPolicy, isMatch } from "../plan/policy-match.ts";
import { queueTypeOf } from "../plan/queue-type.ts";
import type { ReplaceRun } from "./run.ts";

const STRATEGY = "dead-letter-strategy";
const AT_LEAST_ONCE = "at-least-once";

/**
 * The policy and the operator's policy that apply to a queue; none, as far as AMQP can tell.
 *
 * @throws {WarrenError} `management-failed`
 */
export async function policiesOver(
  run: ReplaceRun,
  queue: { readonly name: string; readonly type: QueueType },
): Promise<readonly AnyPolicy[]> {
  const lists = await Promise.all(["policies", "operator-policies"].map((kind) => list(run, kind)));
  return lists.flatMap((policies) =>
    policies
      .filter((policy) => isMatch(policy, { kind: "queue", ...queue }))
      .sort((a, b) => b.priority - a.priority)
      .slice(0, 1),
  );
}

/** Whether the old queue keeps dead letters until they have found a way. */
export async function mayHoldDeadLetters(run: ReplaceRun): Promise<boolean> {
  const { queue, journal } = run;
  const { from } = journal;
  const type = queueTypeOf({ arguments: from });
  if (type !== "quorum") return false;
  const argument = from[`x-${STRATEGY}`];
  if (argument !== undefined) return argument === AT_LEAST_ONCE;
  const policies = await policiesOver(run, { name: queue, type });
  return policies.some(({ definition }) => definition[STRATEGY] === AT_LEAST_ONCE);
}

async function list(run: ReplaceRun, kind: string): Promise<readonly AnyPolicy[]> {
  const { management } = run.context;
  if (!management) return [];
  try {
    const rows = await listRows(management, kind);
    return rows.map((row) => ({
      name: row.text("name"),
      pattern: row.text("pattern"),
      applyTo: row.text("apply-to") as PolicyTarget,
      priority: row.count("priority") ?? 0,
      definition: row.arguments("definition"),
    }));
  } catch (error) {
    if (!(error instanceof WarrenError) || error.code !== "management-refused") throw error;
    const note = `${kind} were not looked at: user "${management.user}" may not see them`;
    if (!run.notes.includes(note)) run.notes.push(note);
    return [];
  }
}
