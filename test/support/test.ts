/**
 * The `test` of every test that needs RabbitMQ or a project: what it opens is closed when it ends,
 * and what it leaks fails it.
 */
import { test as plain } from "vitest";
import { type Client, openClient } from "./client.ts";
import { countResources, expectNoLeak } from "./leaks.ts";
import { createVhost, deleteVhost, describeQueues, type Vhost } from "./vhost.ts";

export { expect } from "vitest";

type Fixtures = {
  /** Fails a test that leaves a socket, server or child process open. */
  readonly leaks: undefined;
  /** A vhost of the test's own; kept if the test fails. */
  readonly vhost: Vhost;
  /** A plain amqplib client in that vhost. */
  readonly client: Client;
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
    const { vhost, observer } = await createVhost();
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
});
