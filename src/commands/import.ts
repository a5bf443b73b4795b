import { existsSync } from "node:fs";
import { rename, writeFile } from "node:fs/promises";
import { type Found, formatUnmanaged } from "../apply/transfer/found.ts";
import { counted } from "../counted.ts";
import { EXIT, formatProblem, messageOf, quoted, WarrenError } from "../errors.ts";
import type { Context } from "./command.ts";
import { type Draft, draftTopology } from "./import-draft.ts";
import { type ImportSource, type Opened, openSource } from "./import-source.ts";

export type ImportOptions = ImportSource & {
  /** Where it is written to; else it is printed. */
  readonly out?: string;
  readonly force?: boolean;
};

/**
 * Writes the topology.yaml of a vhost: of a broker's definitions, or of a live broker.
 *
 * @throws {WarrenError} file-exists; and what `openSource` and `draftTopology` throw
 */
export async function importTopology(context: Context, options: ImportOptions): Promise<number> {
  const { out, force = false } = options;
  if (out !== undefined && !force) refuseExisting(out);
  const source = await openSource(context, options);
  if (source === null) return EXIT.failed;
  const { found, head } = source;
  const file = out ?? context.file;
  const draft = draftTopology({ found, head, file, env: context.env });
  if (out === undefined) context.print(draft.text.trimEnd());
  else await write(out, draft.text, force);
  for (const line of reportOf(draft, source)) context.printError(line);
  return EXIT.done;
}

function refuseExisting(out: string): void {
  if (existsSync(out)) throw new WarrenError("file-exists", `${quoted(out)} is there already`);
}

/** All of it, or nothing. */
async function write(out: string, text: string, force: boolean): Promise<void> {
  const partial = `${out}.${process.pid}.partial`;
  try {
    if (force) {
      await writeFile(partial, text);
      await rename(partial, out);
    } else await writeFile(out, text, { flag: "wx" });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "EEXIST") refuseExisting(out);
    const message = `${quoted(out)} cannot be written: ${messageOf(cause)}`;
    throw new WarrenError("bad-argument", message, { cause });
  }
}

/** So many lines of a kind are printed; the file has them all. */
const MAX_LINES = 20;

function reportOf(draft: Draft, { found }: Opened): readonly string[] {
  const { external, leftOut } = draft.exceptions;
  const { vhost, origin, unmanaged, unseen } = found;
  const mistakes = draft.problems.map(formatProblem);
  const warnings = counted(draft.warnings.length, "warning");
  return [
    ...listed("external", external),
    ...listed("left out", leftOut),
    ...unmanaged.map((it) => `not managed: ${formatUnmanaged(it)}`),
    ...unseen.map((what) => `not seen: ${what}`),
    ...listed("check will refuse", mistakes),
    `imported from ${origin}${vhost === null ? "" : `, vhost ${quoted(vhost)}`}: ${sizeOf(found)}; ` +
      `${external.length} external, ${leftOut.length} left out, ` +
      `${counted(mistakes.length, "problem")}, ${warnings}`,
  ];
}

function listed(what: string, sentences: readonly string[]): readonly string[] {
  const more = sentences.length - MAX_LINES;
  return [
    ...sentences.slice(0, MAX_LINES).map((sentence) => `${what}: ${sentence}`),
    ...(more > 0 ? [`${what}: ${more} more`] : []),
  ];
}

function sizeOf({ exchanges, queues, bindings, policies }: Found): string {
  const own = exchanges.filter(({ name }) => !name.startsWith("amq."));
  return [
    counted(own.length, "exchange"),
    counted(queues.length, "queue"),
    counted(bindings.length, "binding"),
    policies.length === 1 ? "1 policy" : `${policies.length} policies`,
  ].join(", ");
}
