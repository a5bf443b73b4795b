import { onChannels } from "../../apply/change/channels.ts";
import { unlessEnded } from "../../apply/connection-ended.ts";
import { desiredObjects } from "../../apply/objects.ts";
import { NOT_FOUND } from "../../apply/reply-codes.ts";
import { connectBroker } from "../../connect.ts";
import type { Problem } from "../../errors.ts";
import type { Topology } from "../../topology.ts";

/**
 * Exchanges and queues that a topology needs and the broker does not have: found passively, so that it
 * takes no permission and changes nothing. That they are equal, or bound, it does not tell.
 *
 * @param signal ends it at once.
 * @throws {WarrenError} `access-refused`, `connection-failed`.
 */
export async function missingObjects(
  topology: Topology,
  signal: AbortSignal,
): Promise<readonly Problem[]> {
  const { exchanges, queues } = desiredObjects(topology);
  const objects = [...exchanges, ...queues];
  const name = `warren ${topology.project} verify`;
  const connection = await connectBroker({ ...topology.broker, name, signal });
  const giveUp = () => connection.destroy("given up");
  signal.addEventListener("abort", giveUp);
  try {
    const isMissing = await onChannels(connection, objects, async (object, operate) => {
      const found = await operate<unknown>(`find ${object.kind} ${object.name}`, (channel) =>
        object.kind === "queue"
          ? channel.checkQueue(object.name)
          : channel.checkExchange(object.name),
      );
      // Any other refusal is one to tell of something that is there.
      return !found.ok && found.refusal.code === NOT_FOUND;
    });
    return objects.flatMap(({ kind, name: object, at }, index) =>
      isMissing[index]
        ? [{ code: "missing-object", message: `${kind} "${object}" is not there`, at }]
        : [],
    );
  } catch (error) {
    throw await unlessEnded(error, connection);
  } finally {
    signal.removeEventListener("abort", giveUp);
    await connection.close();
  }
}
