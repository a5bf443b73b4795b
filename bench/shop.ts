/** A copy of the bookshop whose handlers can be saved, and a runner of it, seen by its log. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../test/support/ports.ts";
import { REPOSITORY } from "../test/support/processes.ts";

/** As `npm start` runs it, or as it runs after `npm run build`. */
export type Form = "source" | "dist";

export type Shop = {
  /** Saves a handler of book_created_queue that logs its version. */
  save(version: number): void;
  /** Resolves when it is ready. */
  start(): Promise<void>;
  stop(): Promise<void>;
  /** Resolves when a handler of this version has logged. */
  handled(version: number): Promise<void>;
  readonly residentMiB: number;
  remove(): void;
};

const COPIED = ["package.json", "tsconfig.json", "tsconfig.build.json", "topology.yaml"];
const ENTRIES: Readonly<Record<Form, readonly string[]>> = {
  source: ["--conditions=warren-source", "--import", "tsx", "src/cli.ts"],
  dist: ["dist/cli.js"],
};

export async function createShop(url: string, form: Form): Promise<Shop> {
  const folder = mkdtempSync(join(tmpdir(), "warren-shop-"));
  for (const name of [...COPIED, "src", "schemas"]) {
    cpSync(join(REPOSITORY, name), join(folder, name), { recursive: true });
  }
  symlinkSync(join(REPOSITORY, "node_modules"), join(folder, "node_modules"));
  if (form === "dist") {
    const compiler = join(folder, "node_modules", ".bin", "tsc");
    execFileSync(compiler, ["-p", "tsconfig.build.json"], { cwd: folder });
  }
  const env = {
    ...process.env,
    RABBITMQ_URL: url,
    PORT: String(await freePort()),
    LOG_LEVEL: "info",
  };
  const run = () => spawn(process.execPath, [...ENTRIES[form], "start"], { cwd: folder, env });
  return shopOf(folder, form, run);
}

function shopOf(folder: string, form: Form, run: () => ChildProcess): Shop {
  const handler =
    form === "source" ? "src/handlers/book-created.ts" : "dist/handlers/book-created.js";
  const type = form === "source" ? '<"book_created_queue">' : "";
  const waiting = new Map<string, () => void>();
  const line = (text: string) =>
    new Promise<void>((resolve) => {
      waiting.set(text, resolve);
    });
  let child: ChildProcess | null = null;
  const hear = (chunk: Buffer) => {
    const text = String(chunk);
    for (const [wanted, resolve] of waiting) {
      if (!text.includes(wanted)) continue;
      waiting.delete(wanted);
      resolve();
    }
  };
  return {
    save: (version) =>
      writeFileSync(
        join(folder, handler),
        `import { defineHandler } from "warren";\n` +
          `export default defineHandler${type}((_event, { log }) => log.info({ v: ${version} }, "seen"));\n`,
      ),
    async start() {
      const ready = line('"msg":"ready"');
      child = run();
      child.stdout?.on("data", hear);
      child.stderr?.pipe(process.stderr);
      const ended = once(child, "exit").then(([code]) => {
        throw new Error(`the bookshop ended with ${code}`);
      });
      ended.catch(() => undefined);
      await Promise.race([ready, ended]);
    },
    async stop() {
      if (!child) return;
      const ended = once(child, "exit");
      child.kill("SIGTERM");
      await ended;
      child = null;
    },
    handled: (version) => line(`"v":${version},`),
    get residentMiB() {
      const pid = String(child?.pid);
      return Number(execFileSync("ps", ["-o", "rss=", "-p", pid])) / 1024;
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
