/** A broker that takes no messages for a while. */
import { setTimeout as sleep } from "node:timers/promises";
import type { RabbitNode } from "../../test/support/node.ts";
import { waitFor } from "../../test/support/wait-for.ts";
import { now } from "../clock.ts";
import type { Block } from "./evidence.ts";

/**
 * By its memory alarm: what is published meanwhile stays in its socket, unread.
 *
 * @param isFelt it lasts until that is so as well, or until it is clear that it will not be.
 */
export async function blockBroker(
  node: RabbitNode,
  { seconds, isFelt }: { readonly seconds: number; readonly isFelt: () => boolean },
  note: (text: string) => void,
): Promise<Block> {
  await node.ctl("set_vm_memory_high_watermark", "absolute", "1MB");
  const begin = now();
  note("the broker takes no messages");
  await sleep(seconds * 1_000);
  await waitFor(isFelt, { what: "a message that has to wait", timeoutMs: 10_000 }).catch(
    () => undefined,
  );
  const end = now();
  await node.ctl("set_vm_memory_high_watermark", "0.4");
  note("the broker takes messages again");
  return { begin, end };
}
