/** Writes the types of one topology, on a thread of its own: it takes a second that nobody has. */
import { constants, setPriority } from "node:os";
import { parentPort, workerData } from "node:worker_threads";
import { messageOf } from "../errors.ts";
import type { Topology } from "../topology.ts";
import { generateTypes } from "./types.ts";
import { writeGenerated } from "./write.ts";

export type ThreadData = { readonly topology: Topology; readonly directory: string };

/** The files that were written or deleted, or why none was. */
export type ThreadResult =
  | { readonly ok: true; readonly written: readonly string[] }
  | { readonly ok: false; readonly reason: string };

// On Linux this is about the thread, elsewhere about all of the process: messages go before types.
if (process.platform === "linux") setPriority(constants.priority.PRIORITY_LOW);

const say = (result: ThreadResult) => parentPort?.postMessage(result);
try {
  const { topology, directory } = workerData as ThreadData;
  say({ ok: true, written: await writeGenerated(directory, await generateTypes(topology)) });
} catch (error) {
  say({ ok: false, reason: messageOf(error) });
}
