/** Types of 300 events, against the command that makes them without a topology. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { REPOSITORY, startProcess, untilEnd } from "../test/support/processes.ts";
import { compare, type Measurement } from "./measure.ts";

const GROUPS = 30;
const EVENTS_EACH = 10;

/** Seconds of `npm run generate`'s process, in turn with that of json2ts over the same schemas. */
export async function benchGenerate({ rounds }: { readonly rounds: number }): Promise<Measurement> {
  const folder = await mkdtemp(join(tmpdir(), "warren-generate-"));
  try {
    const file = await writeProject(folder);
    const warren = ["--conditions=warren-source", "--import", "tsx", "src/cli.ts"];
    const generated = join(folder, "src/generated");
    const ours = async () => {
      await rm(generated, { recursive: true, force: true });
      return await seconds([...warren, "generate", "--file", file]);
    };
    const json2ts = "node_modules/json-schema-to-typescript/dist/src/cli.js";
    const types = join(folder, "types");
    const theirs = async () => {
      await rm(types, { recursive: true, force: true });
      return await seconds([json2ts, "-i", join(folder, "schemas/events"), "-o", types]);
    };
    return await compare("generate-300-schemas", "s", rounds, { ours, theirs });
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function seconds(args: readonly string[]): Promise<number> {
  const start = performance.now();
  const ended = await untilEnd(startProcess(process.execPath, args, { cwd: REPOSITORY }));
  if (ended.exit !== 0) throw new Error(ended.stderr);
  return (performance.now() - start) / 1_000;
}

/** @returns the topology's file: an exchange and a queue for each group of events. */
async function writeProject(folder: string): Promise<string> {
  await mkdir(join(folder, "schemas/events"), { recursive: true });
  await mkdir(join(folder, "src/handlers"), { recursive: true });
  const groups = Array.from({ length: GROUPS }, (_, at) => `group_${at}`);
  for (const group of groups) {
    for (let at = 0; at < EVENTS_EACH; at++) {
      const file = join(folder, `schemas/events/${group}.event_${at}.json`);
      await writeFile(file, JSON.stringify(schemaOf(group, at)));
    }
  }
  await writeFile(
    join(folder, "src/handlers/all.ts"),
    'import { defineHandler } from "warren";\nexport default defineHandler(() => {});\n',
  );
  const file = join(folder, "topology.yaml");
  const lines = [
    ...["version: 1", "project: many", 'broker: { url: "amqp://localhost" }'],
    ...["defaults: { deadLetter: none, retry: none }", "exchanges:"],
    ...groups.map((group) => `  ${group}: { type: topic, events: ["${group}.*"] }`),
    "queues:",
    ...groups.map((group) => `  ${group}: { bind: { ${group}: "#" }, handler: all }`),
  ];
  await writeFile(file, `${lines.join("\n")}\n`);
  return file;
}

function schemaOf(group: string, at: number): object {
  const text = { type: "string", description: "As it was printed." };
  const line = {
    type: "object",
    properties: { id: text, quantity: { type: "integer", minimum: 1 }, price: { type: "number" } },
    required: ["id"],
  };
  return {
    description: `What happened in ${group}, number ${at}.`,
    type: "object",
    properties: {
      id: text,
      name: { type: "string", maxLength: 200 },
      [`only_${at}`]: { type: "boolean" },
      state: { enum: ["open", "closed", null] },
      lines: { type: "array", items: line },
      total: { oneOf: [{ type: "number" }, { type: "null" }] },
    },
    required: ["id", "name"],
  };
}
