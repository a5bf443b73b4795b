import { dirname, resolve } from "node:path";
import { EXIT, quoted, WarrenError } from "../errors.ts";
import { didYouMean } from "../loader/suggest.ts";
import { type Context, loadOrReport } from "./command.ts";
import { explainQueue } from "./explanation.ts";
import { formatExplanation } from "./explanation-text.ts";

/**
 * What a queue is, without a broker: its AMQP arguments, where it is bound from, the events that
 * can reach it, its retries, and where its dead letters go.
 *
 * @throws {WarrenError} unknown-queue
 */
export async function explain(context: Context, name: string): Promise<number> {
  const topology = loadOrReport(context);
  if (!topology) return EXIT.failed;
  const { queues, file } = topology;
  const queue = Object.hasOwn(queues, name) ? queues[name] : undefined;
  if (queue === undefined) {
    const hint = didYouMean(name, Object.keys(queues));
    throw new WarrenError("unknown-queue", `${file} declares no queue ${quoted(name)}${hint}`);
  }
  const explanation = explainQueue(topology, queue);
  context.print(
    context.isJson
      ? JSON.stringify(explanation, null, 2)
      : formatExplanation(explanation, resolve(dirname(file))),
  );
  return EXIT.done;
}
