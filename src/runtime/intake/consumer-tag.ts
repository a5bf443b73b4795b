import { randomBytes } from "node:crypto";
import { NUMBERS } from "../../numbers.ts";

/**
 * A name for one consumer, by which whoever lists them can tell this project's from others:
 * `warren.<project>.<queue>.<random>`. It is as long as AMQP allows at most; the queue's name is cut.
 */
export function consumerTag(project: string, queue: string): string {
  const head = `warren.${project}.`;
  const tail = `.${randomBytes(6).toString("hex")}`;
  const room = NUMBERS.maxNameBytes - Buffer.byteLength(head) - Buffer.byteLength(tail);
  // As a stream: of a character that is cut in two nothing is left.
  const cut = new TextDecoder().decode(Buffer.from(queue).subarray(0, room), { stream: true });
  return `${head}${cut}${tail}`;
}
