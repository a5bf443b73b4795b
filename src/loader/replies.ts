import { basename, join } from "node:path";
import type { Problem } from "../errors.ts";
import type { Queue, ReplySchema } from "../topology.ts";
import { readSchema } from "./event-schema.ts";
import { filesIn } from "./events.ts";
import type { SchemaFolder } from "./schemas/folder.ts";
import { didYouMean } from "./suggest.ts";

export type LoadedReplies = {
  readonly schemas: Readonly<Record<string, ReplySchema>>;
  readonly problems: readonly Problem[];
};

/** Reads the schemas of a folder, `<queue>.json` each; no folder, no replies. */
export function loadReplies(folder: string, files: SchemaFolder): LoadedReplies {
  const schemas: Record<string, ReplySchema> = Object.create(null);
  const problems: Problem[] = [];
  for (const { name: queue, file } of filesIn(folder)) {
    const read = readSchema(join(basename(folder), `${queue}.json`), false, files);
    if (read.ok) schemas[queue] = { queue, file, schema: read.schema, version: read.version };
    else problems.push(...read.problems);
  }
  return { schemas, problems };
}

/** Replies that nobody gives. */
export function checkReplies(
  replies: Readonly<Record<string, ReplySchema>>,
  queues: Readonly<Record<string, Queue>>,
): readonly Problem[] {
  const replying = Object.keys(queues).filter((name) => queues[name]?.rpc);
  return Object.values(replies).flatMap(({ queue, file }): readonly Problem[] => {
    if (replying.includes(queue)) return [];
    const name = JSON.stringify(queue);
    const message = Object.hasOwn(queues, queue)
      ? `queue ${name} does not say rpc: true, so nobody replies`
      : `the reply's file names queue ${name}, which is not declared${didYouMean(queue, replying)}`;
    return [{ code: "unknown-reply", message, at: { file, line: 1, column: 1 } }];
  });
}
