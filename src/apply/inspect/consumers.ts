/** Who consumes what, as the management API says it: up to 8 s late. */
import { WarrenError } from "../../errors.ts";
import type { QueueCounts } from "../live.ts";
import type { Management } from "./management.ts";
import { listRows, Row } from "./row.ts";

export type CountConsumers = (queue: string) => Pick<QueueCounts, "consumers" | "foreignConsumers">;

export type Consumers = {
  readonly count: CountConsumers;
  /** What was not looked at, in words. */
  readonly unseen: readonly string[];
};

/**
 * Counts the consumers of every queue, and those that are not of the project's runners.
 *
 * @throws {WarrenError} `management-failed`, `management-refused`.
 */
export async function listConsumers(management: Management, project: string): Promise<Consumers> {
  return (await seesAll(management))
    ? await countThem(management, project)
    : await totalsAlone(management);
}

/** Without one of these tags a user is shown its own consumers, and not told that there are others. */
async function seesAll({ get, shown }: Management): Promise<boolean> {
  const row = new Row(await get(["whoami"]), { shown, what: "/api/whoami" });
  const tags = row.words("tags");
  return tags.includes("administrator") || tags.includes("monitoring");
}

async function countThem(management: Management, project: string): Promise<Consumers> {
  const all = new Map<string, { consumers: number; foreignConsumers: number }>();
  try {
    for (const row of await listRows(management, "consumers")) {
      const queue = row.row("queue").text("name");
      const count = all.get(queue) ?? { consumers: 0, foreignConsumers: 0 };
      count.consumers++;
      if (!row.text("consumer_tag").startsWith(`warren.${project}.`)) count.foreignConsumers++;
      all.set(queue, count);
    }
  } catch (error) {
    // Its answer where a node keeps no statistics.
    if (!(error instanceof WarrenError) || error.code !== "broker-refused") throw error;
    const unseen = [`consumers: the node keeps no statistics (${error.message})`];
    return { count: () => ({ consumers: null, foreignConsumers: null }), unseen };
  }
  return { count: (queue) => all.get(queue) ?? { consumers: 0, foreignConsumers: 0 }, unseen: [] };
}

async function totalsAlone(management: Management): Promise<Consumers> {
  const rows = await listRows(management, "queues", { columns: "name,consumers" });
  const all = new Map(rows.map((row) => [row.text("name"), row.count("consumers")]));
  return {
    count: (queue) => ({ consumers: all.get(queue) ?? null, foreignConsumers: null }),
    unseen: [
      `whose consumers there are: user "${management.user}" would need the tag monitoring for it`,
    ],
  };
}
