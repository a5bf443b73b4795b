/** Reads files as they stood at a commit, by the git of this machine. */
import { type ExecFileException, execFile } from "node:child_process";
import { mkdir, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { quoted, WarrenError } from "../errors.ts";

/** Of what git prints: all schemas of a project. */
const MAX_OUTPUT_BYTES = 256 * 1024 * 1024;

type Entry = { readonly mode: string; readonly hash: string; readonly path: string };

/**
 * Writes what a folder of the repository held at a commit into another folder.
 *
 * @param directory the project's, which may be any of the repository.
 * @param name of a folder in it; paths below it stay as they are.
 * @throws {WarrenError} git-unusable, unknown-ref
 */
export async function extract(
  directory: string,
  { ref, name, into }: { readonly ref: string; readonly name: string; readonly into: string },
): Promise<void> {
  const commit = await commitOf(directory, ref);
  const listed = await git(directory, ["ls-tree", "-r", "-z", commit, "--", `${name}/`]);
  const entries = entriesOf(listed.toString("utf8"));
  const contents = await contentsOf(directory, entries);
  for (const [index, { mode, path }] of entries.entries()) {
    const content = contents[index] ?? Buffer.alloc(0);
    const file = join(into, path);
    await mkdir(dirname(file), { recursive: true });
    if (mode === "120000") await symlink(content.toString("utf8"), file);
    else await writeFile(file, content);
  }
}

async function commitOf(directory: string, ref: string): Promise<string> {
  await git(directory, ["rev-parse", "--git-dir"]);
  // What begins so would be read as an option.
  const isOption = ref.startsWith("-");
  const asked = ["rev-parse", "--verify", "--quiet", `${ref}^{commit}`];
  const found = isOption ? null : await git(directory, asked).catch(() => null);
  if (found !== null) return found.toString("utf8").trim();
  const message = `${quoted(ref)} is no folder, and no commit, branch or tag of the repository`;
  throw new WarrenError("unknown-ref", message);
}

/** Of `<mode> <type> <hash>\t<path>\0`: files and links. */
function entriesOf(text: string): readonly Entry[] {
  return text.split("\0").flatMap((line) => {
    const [facts = "", path = ""] = line.split("\t");
    const [mode = "", type, hash = ""] = facts.split(" ");
    return type === "blob" ? [{ mode, hash, path }] : [];
  });
}

/** One run for all: `<hash> blob <size>\n<content>\n` each. */
async function contentsOf(
  directory: string,
  entries: readonly Entry[],
): Promise<readonly Buffer[]> {
  if (entries.length === 0) return [];
  const asked = entries.map(({ hash }) => `${hash}\n`).join("");
  const output = await git(directory, ["cat-file", "--batch"], asked);
  const contents: Buffer[] = [];
  for (let offset = 0; offset < output.length; ) {
    const end = output.indexOf("\n", offset);
    const size = Number(output.toString("latin1", offset, end).split(" ").at(-1));
    contents.push(output.subarray(end + 1, end + 1 + size));
    offset = end + 1 + size + 1;
  }
  return contents;
}

function git(directory: string, args: readonly string[], input = ""): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const options = { cwd: directory, encoding: "buffer", maxBuffer: MAX_OUTPUT_BYTES } as const;
    const child = execFile("git", args, options, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(unusable(error, stderr.toString("utf8")));
    });
    child.stdin?.on("error", () => undefined);
    child.stdin?.end(input);
  });
}

function unusable(cause: ExecFileException, said: string): WarrenError {
  const reason = cause.code === "ENOENT" ? "no git is installed" : said.trim() || cause.message;
  const [line = ""] = reason.split("\n");
  return new WarrenError("git-unusable", `the schemas of a commit can't be read: ${line}`, {
    cause,
  });
}
