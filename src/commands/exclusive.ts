/** What a broker's definitions and a plan leave out, a line for each exclusive queue. */
import { quoted } from "../errors.ts";
import { exclusiveQueues, type Topology } from "../topology.ts";

/** For the side of what is printed: nobody but the connection that has such a queue can compare it. */
export function exclusiveLines(topology: Topology): readonly string[] {
  return exclusiveQueues(topology).map(
    ({ name }) =>
      `left out: queue ${quoted(name)} is exclusive: whoever consumes it declares and binds it`,
  );
}
