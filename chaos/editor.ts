/** Saves the project's files as people do, well and badly. */
import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import type { Project } from "../test/support/project.ts";

const HANDLER = "src/handlers/work.ts";
const DEPENDENCY = "src/job/version.ts";
const TOPOLOGY = "topology.yaml";
/** Between the two halves of a slow save. */
const PAUSE_MS = 60;

export class Editor {
  readonly #project: Project;
  readonly #files: Readonly<Record<string, string>>;
  #revision = 1;
  #version = 1;
  #queues = 0;

  /** @param files the project's files as they are at the beginning. */
  private constructor(project: Project, files: Readonly<Record<string, string>>) {
    this.#project = project;
    this.#files = files;
  }

  static async open(project: Project): Promise<Editor> {
    const names = [HANDLER, DEPENDENCY, TOPOLOGY];
    const texts = await Promise.all(names.map((name) => readFile(project.path(name), "utf8")));
    return new Editor(
      project,
      Object.fromEntries(names.map((name, index) => [name, texts[index] ?? ""])),
    );
  }

  /** What a run of the newest handler says of itself. */
  get revision(): string {
    return `${this.#revision}.${this.#version}`;
  }

  async saveHandler(): Promise<void> {
    await this.#project.write(HANDLER, this.#nextHandler());
  }

  /** In two parts, the first of which is no module. */
  async saveHandlerSlowly(): Promise<void> {
    const text = this.#nextHandler();
    const half = text.indexOf("export default") + 10;
    await this.#project.write(HANDLER, text.slice(0, half));
    await sleep(PAUSE_MS);
    await this.#project.write(HANDLER, text);
  }

  /** A syntax error, which is not counted as a revision. */
  async breakHandler(): Promise<void> {
    await this.#project.write(HANDLER, `${this.#text(HANDLER)}\nexport const = ;\n`);
  }

  async saveDependency(): Promise<void> {
    this.#version += 1;
    const text = this.#text(DEPENDENCY).replace(/version = \d+/, `version = ${this.#version}`);
    await this.#project.write(DEPENDENCY, text);
  }

  /** @returns the name of the queue that is new. */
  async addQueue(): Promise<string> {
    this.#queues += 1;
    const name = `extra_${this.#queues}`;
    const queue = `  ${name}: { bind: { spare: any }, handler: work }\n`;
    await this.#project.write(TOPOLOGY, this.#text(TOPOLOGY) + queue);
    return name;
  }

  async breakTopology(): Promise<void> {
    await this.#project.write(TOPOLOGY, `${this.#text(TOPOLOGY)}  half: { bind: {`);
  }

  /** Another ttl than the broker's queue has. */
  async changeQueue(): Promise<void> {
    const text = this.#text(TOPOLOGY).replace("quorum_jobs: {", "quorum_jobs: { ttl: 1h,");
    await this.#project.write(TOPOLOGY, text);
  }

  async restoreTopology(): Promise<void> {
    await this.#project.write(TOPOLOGY, this.#text(TOPOLOGY));
  }

  #nextHandler(): string {
    this.#revision += 1;
    return this.#text(HANDLER).replace(/revision = \d+/, `revision = ${this.#revision}`);
  }

  #text(name: string): string {
    return this.#files[name] ?? "";
  }
}
