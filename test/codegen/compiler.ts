/** Compiles handlers as a user's project would, with warren as a dependency. */
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { GeneratedFile } from "../../src/codegen/types.ts";
import { REPOSITORY } from "../support/processes.ts";

/** How the project sees warren: its sources, or what a published package holds. */
export type Form = "sources" | "declarations";

/** A project in a temporary folder; `compile` gives what tsc says to each module, error by error. */
export type Compiler = {
  compile(modules: Readonly<Record<string, string>>): ReadonlyMap<string, readonly string[]>;
  remove(): void;
};

/** Sets up the project; the caller removes it. */
export function createCompiler(form: Form, generated: readonly GeneratedFile[]): Compiler {
  const folder = mkdtempSync(join(tmpdir(), "warren-types-"));
  const write = (path: string, content: string) => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  };
  write("package.json", '{ "private": true, "type": "module" }\n');
  for (const { path, content } of generated) write(`src/generated/${path}`, content);
  if (form === "sources") linkSources(folder);
  else emitDeclarations(folder);
  symlinkSync(join(REPOSITORY, "node_modules/@types"), join(folder, "node_modules/@types"));
  symlinkSync(
    join(REPOSITORY, "node_modules/undici-types"),
    join(folder, "node_modules/undici-types"),
  );
  write("tsconfig.json", JSON.stringify(projectConfig(form)));
  return {
    compile(modules) {
      for (const [name, source] of Object.entries(modules)) write(`src/${name}.ts`, source);
      return errorsIn(tsc(folder, "tsconfig.json"), Object.keys(modules));
    },
    remove: () => rmSync(folder, { recursive: true }),
  };
}

/** The strictest settings that generated code has to live with. */
function projectConfig(form: Form): object {
  return {
    extends: join(REPOSITORY, "tsconfig.json"),
    compilerOptions: {
      customConditions: form === "sources" ? ["warren-source"] : [],
      // A fault in the generated declarations would hide behind it.
      skipLibCheck: false,
      noPropertyAccessFromIndexSignature: true,
    },
    include: ["src"],
    exclude: [],
  };
}

function linkSources(folder: string): void {
  mkdirSync(join(folder, "node_modules"));
  symlinkSync(REPOSITORY, join(folder, "node_modules/warren"));
}

/** The package's entry alone, as `npm run build` emits it. */
function emitDeclarations(folder: string): void {
  const warren = join(folder, "node_modules/warren");
  mkdirSync(warren, { recursive: true });
  copyFileSync(join(REPOSITORY, "package.json"), join(warren, "package.json"));
  const config = {
    extends: join(REPOSITORY, "tsconfig.build.json"),
    compilerOptions: {
      rootDir: join(REPOSITORY, "src"),
      outDir: join(warren, "dist"),
      typeRoots: [join(REPOSITORY, "node_modules/@types")],
    },
    files: [join(REPOSITORY, "src/index.ts")],
    include: [],
  };
  writeFileSync(join(folder, "build.json"), JSON.stringify(config));
  const output = tsc(folder, "build.json");
  if (output !== "") throw new Error(output);
}

function tsc(folder: string, config: string): string {
  const compiler = join(REPOSITORY, "node_modules/typescript/bin/tsc");
  const { error, stdout } = spawnSync(process.execPath, [compiler, "-p", config], {
    cwd: folder,
    encoding: "utf8",
  });
  if (error !== undefined) throw error;
  return stdout;
}

/** @throws {Error} for an error anywhere else than in these modules: in generated code, say. */
function errorsIn(
  output: string,
  modules: readonly string[],
): ReadonlyMap<string, readonly string[]> {
  const errors = new Map<string, string[]>(modules.map((name) => [name, []]));
  // An error's further lines are indented.
  for (const whole of output.split(/\n(?! )/)) {
    const [, file, text] = /^(\S+)\(\d+,\d+\): error TS\d+: (.*)$/s.exec(whole) ?? [];
    const found = file === undefined ? undefined : errors.get(file.slice(4, -3));
    if (text !== undefined && found !== undefined) found.push(text);
    else if (/error TS/.test(whole)) throw new Error(whole);
  }
  return errors;
}
