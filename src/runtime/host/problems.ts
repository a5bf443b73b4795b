/** What a thread found wrong with the handlers, as a user is told. */
import { execFile } from "node:child_process";
import { existsSync, realpathSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import type { Digests } from "../../digest.ts";
import type { Place, Problem } from "../../errors.ts";
import type { Topology } from "../../topology.ts";
import type { LoadProblem } from "./loading.ts";
import { stackPlace } from "./thread/failure.ts";

/** Of the modules that were loaded before a syntax error, so many are looked at. */
const MAX_CHECKED = 20;

/** Each with its place in a module if that is known, else where the file names the handler's queue. */
export async function describeProblems(
  problems: readonly LoadProblem[],
  { topology, files }: { readonly topology: Topology; readonly files: Digests },
): Promise<readonly Problem[]> {
  return await Promise.all(
    problems.map(async ({ queue: name, reason, at }) => {
      const queue = topology.queues[name];
      if (!queue?.handler) return ofThread(reason, topology);
      const isHidden = at === null && reason.startsWith("SyntaxError");
      const place = isHidden ? await findSyntaxError([...files.keys()]) : at;
      const message = `handler "${queue.handler.name}": ${reason}`;
      return { code: "bad-handler", message, at: place ? shown(place, topology) : queue.at };
    }),
  );
}

/** It ended before it came to a handler. */
function ofThread(reason: string, { file }: Topology): Problem {
  return {
    code: "bad-handler",
    message: `every handler: ${reason}`,
    at: { file, line: 1, column: 1 },
  };
}

/** V8 keeps the place of a syntax error in an ES module to itself; another Node prints it. */
async function findSyntaxError(files: readonly string[]): Promise<Place | null> {
  for (const file of files.toReversed().slice(0, MAX_CHECKED)) {
    const place = await new Promise<Place | null>((resolve) => {
      execFile(process.execPath, ["--check", file], (error, _stdout, stderr) =>
        resolve(error && stackPlace(stderr)),
      );
    });
    if (place) return place;
  }
  return null;
}

/** Where a thread stood, as `src/handlers/render.ts:12:5`; null if that was in none of the user's modules. */
export function describePlace(stack: string, topology: Topology): string | null {
  const place = stackPlace(stack);
  if (!place) return null;
  const { file, line, column } = shown(place, topology);
  return `${file}:${line}:${column}`;
}

/** As the user would write it: seen from the folder from which topology.yaml was named. */
function shown(at: Place, topology: Topology): Place {
  const folder = dirname(topology.file);
  // The real path, as modules have it; unless the folder has gone meanwhile.
  const real = existsSync(folder) ? realpathSync(folder) : folder;
  const path = relative(real, at.file);
  return path.startsWith("..") ? at : { ...at, file: join(folder, path) };
}
