/**
 * The `test` of every test that needs RabbitMQ or a project: what it opens is closed when it ends,
 * and what it leaks fails it.
 */
import { inject, test as plain } from "vitest";
import { type Client, openClient } from "./client.ts";
import { countResources, expectNoLeak } from "./leaks.ts";
import { type Ended, type RunningProcess, untilEnd } from "./processes.ts";
import {
  type CliOptions,
  type Project,
  type ProjectFiles,
  startWarren,
  writeProject,
} from "./project.ts";
import { startProxy, type TcpProxy } from "./proxy.ts";
import { createUser, type User } from "./user.ts";
import { createVhost, deleteVhost, describeQueues, type Vhost } from "./vhost.ts";

export { expect } from "vitest";

type Fixtures = {
  /** Fails a test that leaves a socket, server or child process open. */
  readonly leaks: undefined;
  /** A vhost of the test's own; kept if the test fails. */
  readonly vhost: Vhost;
  /** A plain amqplib client in that vhost. */
  readonly client: Client;
  /** A user of the test's own, who may do everything in its vhost. */
  readonly user: User;
  /** A proxy to the broker of this run. */
  readonly proxy: TcpProxy;
  /** Writes a project that is removed after the test, unless it fails. */
  readonly createProject: (files: ProjectFiles) => Promise<Project>;
  /** Runs a command of warren to its end. */
  readonly runCli: (
    project: Project,
    args: readonly string[],
    options?: CliOptions,
  ) => Promise<Ended>;
  /** Starts a command of warren, which the test ends: one that still runs then fails it. */
  readonly startCli: (
    project: Project,
    args: readonly string[],
    options?: CliOptions,
  ) => RunningProcess;
};

export const test = plain.extend<Fixtures>({
  leaks: [
    async ({ task }, use) => {
      const before = countResources();
      await use(undefined);
      if (task.result?.state !== "fail") await expectNoLeak(before);
    },
    { auto: true },
  ],
  vhost: async ({ task }, use) => {
    const before = countResources();
    const { vhost, observer } = await createVhost(inject("broker"));
    await use(vhost);
    await observer.close();
    if (task.result?.state === "fail") {
      console.error(await describeQueues(vhost));
      return;
    }
    try {
      // Before the vhost goes, since its end would close the connections that a test forgot.
      await expectNoLeak(before);
    } finally {
      await deleteVhost(vhost);
    }
  },
  client: async ({ vhost }, use) => {
    const client = await openClient(vhost.url);
    await use(client);
    await client.close();
  },
  user: async ({ vhost }, use) => {
    const user = await createUser(vhost);
    await use(user);
    await user.remove();
  },
  proxy: async ({ vhost }, use) => {
    const proxy = await startProxy(Number(new URL(vhost.url).port || 5672));
    await use(proxy);
    await proxy.close();
  },
  createProject: async ({ task }, use) => {
    const projects: Project[] = [];
    await use(async (files) => {
      const project = await writeProject(files);
      projects.push(project);
      return project;
    });
    if (task.result?.state !== "fail") {
      await Promise.all(projects.map((project) => project.remove()));
    } else if (projects.length > 0) {
      console.error(`kept: ${projects.map(({ folder }) => folder).join(", ")}`);
    }
  },
  runCli: async ({ startCli }, use) => {
    await use(async (...command) => await untilEnd(startCli(...command)));
  },
  startCli: async ({ task }, use) => {
    const started: RunningProcess[] = [];
    await use((...command) => {
      const running = startWarren(...command);
      started.push(running);
      return running;
    });
    const left = started.filter(({ isRunning }) => isRunning);
    for (const running of left) running.kill("SIGKILL");
    await Promise.all(started.map(({ exit }) => exit));
    if (task.result?.state === "fail") {
      for (const { stdout, stderr } of started) console.error(`${stdout}\n${stderr}`);
    } else if (left.length > 0) {
      throw new Error(`${left.length} commands still ran when the test ended (a leak)`);
    }
  },
});
