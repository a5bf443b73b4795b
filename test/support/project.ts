import { mkdirSync, writeFileSync } from "node:fs";
import { mkdir, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { BUILT_CLI } from "./build.ts";
import { type CommandOptions, REPOSITORY, type RunningProcess, startProcess } from "./processes.ts";

export type ProjectFiles = {
  /** The text of topology.yaml. */
  readonly topology: string;
  /** Module name → TypeScript, for src/handlers/<name>.ts. */
  readonly handlers?: Readonly<Record<string, string>>;
  /** Event type → JSON Schema, for schemas/events/<type>.json. */
  readonly events?: Readonly<Record<string, object>>;
  /** Queue → JSON Schema, for schemas/replies/<queue>.json. */
  readonly replies?: Readonly<Record<string, object>>;
};

/** A user's project in a temporary folder, in which `import "warren"` is this repository. */
export type Project = {
  readonly folder: string;
  /** Absolute path of a file in it. */
  path(name: string): string;
  /** Writes a file in it, as an editor's save would; at once, so that nothing comes in between. */
  write(name: string, content: string): Promise<void>;
  remove(): Promise<void>;
};

/** Writes a project; the caller removes it. */
export async function writeProject(files: ProjectFiles): Promise<Project> {
  const folder = await mkdtemp(join(tmpdir(), "warren-project-"));
  const path = (name: string) => join(folder, name);
  const write = async (name: string, content: string) => {
    mkdirSync(dirname(path(name)), { recursive: true });
    writeFileSync(path(name), content);
  };
  await Promise.all(
    ["node_modules", "src/handlers", "schemas/events"].map((name) =>
      mkdir(path(name), { recursive: true }),
    ),
  );
  await Promise.all([
    symlink(REPOSITORY, path("node_modules/warren")),
    write("package.json", '{ "name": "project", "private": true, "type": "module" }\n'),
    write("topology.yaml", files.topology),
    ...Object.entries(files.handlers ?? {}).map(([name, text]) =>
      write(`src/handlers/${name}.ts`, text),
    ),
    ...Object.entries(files.events ?? {}).map(([type, schema]) =>
      write(`schemas/events/${type}.json`, `${JSON.stringify(schema, null, 2)}\n`),
    ),
    ...Object.entries(files.replies ?? {}).map(([queue, schema]) =>
      write(`schemas/replies/${queue}.json`, `${JSON.stringify(schema, null, 2)}\n`),
    ),
  ]);
  return { folder, path, write, remove: () => rm(folder, { recursive: true, force: true }) };
}

/** `built` as it is installed; `source` as in this repository, which takes twice as long to start. */
export type CliForm = "built" | "source";

export type CliOptions = Pick<CommandOptions, "env"> & { readonly form?: CliForm };

/** Starts a command of warren in the project; the caller ends it. */
export function startWarren(
  project: Project,
  args: readonly string[],
  { form, ...options }: CliOptions = {},
): RunningProcess {
  const [program, ...rest] = warrenCommand(args, form);
  return startProcess(program, rest, { cwd: project.folder, ...options });
}

/** The program and its arguments that run a command of warren. */
export function warrenCommand(
  args: readonly string[],
  form: CliForm = "built",
): readonly [string, ...string[]] {
  if (form === "built") return [process.execPath, BUILT_CLI, ...args];
  const source = ["--conditions=warren-source", "--import", import.meta.resolve("tsx")];
  return [process.execPath, ...source, join(REPOSITORY, "src/cli.ts"), ...args];
}
