/** A broker that takes no messages for a while. */
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { RabbitNode } from "../../test/support/node.ts";
import { waitFor } from "../../test/support/wait-for.ts";
import { now } from "../clock.ts";
import type { Block } from "./evidence.ts";

export type Blocker = {
  /** @param isFelt it lasts until that is so as well, or until it is clear that it will not be. */
  block(seconds: number, isFelt: () => boolean): Promise<Block>;
};

/**
 * By the node's memory alarm: what is published meanwhile stays in its socket, unread. The alarm is on
 * while a file is there: rabbitmqctl takes so long that everything might be handled until then.
 */
export async function prepareBlock(
  node: RabbitNode,
  note: (text: string) => void,
): Promise<Blocker> {
  const file = join(node.folder, "alarm");
  await node.ctl("eval", watch(file));
  return {
    async block(seconds, isFelt) {
      await writeFile(file, "");
      const begin = now();
      note("the broker takes no messages");
      await sleep(seconds * 1_000);
      const what = "a message that has to wait";
      await waitFor(isFelt, { what, timeoutMs: 30_000 }).catch(() => undefined);
      await rm(file);
      const end = now();
      note("the broker takes messages again");
      return { begin, end };
    },
  };
}

/** In Erlang: a process of the node that raises and clears the alarm. */
function watch(file: string): string {
  return `Alarm = {resource_limit, memory, node()},
    Watch = fun(Self, Was) ->
      timer:sleep(20),
      Is = filelib:is_regular(${JSON.stringify(file)}),
      case Is of
        Was -> ok;
        true -> rabbit_alarm:set_alarm({Alarm, []});
        false -> rabbit_alarm:clear_alarm(Alarm)
      end,
      Self(Self, Is)
    end,
    spawn(fun() -> Watch(Watch, false) end).`;
}
