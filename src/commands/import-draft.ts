/** From what was found to a file that the loader takes, as close to it as the file can say. */
import { dirname, join } from "node:path";
import { NO_COUNTS } from "../apply/live.ts";
import { desiredObjects } from "../apply/objects.ts";
import { compareQueue } from "../apply/plan/compare.ts";
import type { Found } from "../apply/transfer/found.ts";
import { type Head, type TopologyText, writeTopology } from "../apply/transfer/topology-file.ts";
import type { Vocabulary } from "../apply/transfer/vocabulary.ts";
import { type ErrorCode, type Problem, WarrenError } from "../errors.ts";
import { split } from "../events/pointer.ts";
import { parse } from "../loader/document.ts";
import { knownArguments } from "../loader/known-arguments.ts";
import { type Loaded, load } from "../loader/load.ts";
import { formatQuantity, maxAgeOf } from "../loader/units.ts";
import { NUMBERS } from "../numbers.ts";
import type { Topology } from "../topology.ts";

export type Draft = TopologyText & {
  /** What `check` says of the file: mistakes of the topology itself, which stand there as they are. */
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
};

export type DraftOptions = {
  readonly found: Found;
  readonly head: Head;
  /** Where the file is to stand. */
  readonly file: string;
  readonly env: Readonly<Record<string, string | undefined>>;
};

/** What a topology may well be like, and a person has to mend: it is no fault of the file. */
const OF_THE_TOPOLOGY: readonly ErrorCode[] = [
  "dead-letter-lost",
  "dead-letter-cycle",
  "binding-cycle",
];
/** What no broker would have taken; so definitions that say it are not a broker's. */
const IMPOSSIBLE: readonly ErrorCode[] = ["wrong-type", "numeric-string"];

const words: Vocabulary = {
  duration: (ms) => formatQuantity("duration", ms),
  size: (bytes) => formatQuantity("size", bytes),
  maxAge: (text) => {
    const word = text.replace("D", "d");
    return maxAgeOf(word) === text ? word : null;
  },
  overflow: (text) => (overflows.includes(text) ? text : null),
  knows: (argument) => knownArguments.has(argument),
};
const overflows: readonly string[] = knownArguments.get("x-overflow")?.choices ?? [];

/**
 * Writes the file, has the loader read it, and says otherwise what the loader objects to, until it
 * objects to nothing more: in another form, as external, or not at all.
 *
 * @throws {WarrenError} bad-definitions, with its place, for arguments that no broker takes;
 *   file-too-large
 */
export function draftTopology({ found, head, file, env }: DraftOptions): Draft {
  const objections = new Map<object, string[]>();
  for (;;) {
    const text = writeTopology(found, head, words, objections);
    checkBytes(text.text);
    const loaded = load({
      file,
      env,
      handlersDirectory: join(dirname(file), "none"),
      text: text.text,
    });
    const problems = loaded.ok ? [] : loaded.problems.filter(({ at }) => at.file === file);
    const raised = loaded.ok
      ? inexact(found, loaded.topology)
      : objectionsOf(problems, { found, text, file });
    if (raised.size === 0) return { ...text, problems, warnings: warningsOf(loaded, file) };
    for (const [object, reason] of raised) {
      const known = objections.get(object);
      if (known === undefined) objections.set(object, [reason]);
      else known.push(reason);
    }
  }
}

function checkBytes(text: string): void {
  const bytes = Buffer.byteLength(text);
  if (bytes <= NUMBERS.maxFileBytes) return;
  const message = `the topology would be ${bytes} bytes, at most ${NUMBERS.maxFileBytes} are read`;
  throw new WarrenError("file-too-large", message);
}

function warningsOf({ warnings }: Loaded, file: string): readonly Problem[] {
  return warnings.filter(({ at }) => at.file === file);
}

/** The last word: what is declared has to be what was found, or it is better not declared. */
function inexact(found: Found, topology: Topology): ReadonlyMap<object, string> {
  const byName = new Map(found.queues.map((queue) => [queue.name, queue]));
  const raised = new Map<object, string>();
  for (const desired of desiredObjects(topology).queues) {
    const queue = byName.get(desired.name);
    if (queue === undefined || desired.isExternal) continue;
    const [difference] = compareQueue(desired, { ...queue, counts: NO_COUNTS });
    if (difference === undefined) continue;
    const { argument, wanted, live } = difference;
    raised.set(queue, `the file would say ${wanted} for ${argument}, and it has ${live}`);
  }
  return raised;
}

type Drafted = { readonly found: Found; readonly text: TopologyText; readonly file: string };

/** The objects that the loader does not take so, each with the first of its reasons. */
function objectionsOf(problems: readonly Problem[], drafted: Drafted): ReadonlyMap<object, string> {
  const { found, text, file } = drafted;
  const pointers = pointersByPlace(file, text.text);
  const objects = objectsByPath(found);
  const raised = new Map<object, string>();
  for (const problem of problems) {
    if (OF_THE_TOPOLOGY.includes(problem.code)) continue;
    const path = split(pointers.get(`${problem.at.line}:${problem.at.column}`) ?? "");
    const named = objects.get(JSON.stringify(path.slice(0, 2)));
    refuseImpossible(problem, path, found, named);
    const object = bindingAt(path, text) ?? named;
    if (object !== undefined && !raised.has(object)) raised.set(object, problem.message);
  }
  return raised;
}

/** The longest pointer that stands at each place, which is the innermost. */
function pointersByPlace(file: string, text: string): ReadonlyMap<string, string> {
  const parsed = parse(file, text);
  const pointers = new Map<string, string>();
  if (!parsed.ok) return pointers;
  const { positions, place } = parsed.document;
  for (const [pointer, { key, value }] of positions) {
    for (const offset of [key, value]) {
      const { line, column } = place(offset);
      const at = `${line}:${column}`;
      if (pointer.length >= (pointers.get(at)?.length ?? 0)) pointers.set(at, pointer);
    }
  }
  return pointers;
}

function bindingAt(path: readonly string[], { bindings }: TopologyText): object | undefined {
  for (let length = path.length; length > 0; length--) {
    const binding = bindings.get(JSON.stringify(path.slice(0, length)));
    if (binding !== undefined) return binding;
  }
  return undefined;
}

function objectsByPath({ exchanges, queues, policies }: Found): ReadonlyMap<string, object> {
  return new Map(
    Object.entries({ exchanges, queues, policies }).flatMap(([section, objects]) =>
      objects.map((object) => [JSON.stringify([section, object.name]), object] as const),
    ),
  );
}

function refuseImpossible(
  problem: Problem,
  path: readonly string[],
  { placeOf }: Found,
  object: object | undefined,
): void {
  const [section, , part, argument] = path;
  if (placeOf === null || object === undefined || !IMPOSSIBLE.includes(problem.code)) return;
  if (section !== "queues" || part !== "arguments" || argument === undefined) return;
  const at = placeOf(object, "arguments", argument);
  throw new WarrenError("bad-definitions", problem.message, { at });
}
