import { existsSync } from "node:fs";
import { openClient } from "./client.ts";
import { startNode } from "./node.ts";
import { expect, test } from "./test.ts";

test("a node that is killed keeps a confirmed message, and stop leaves nothing", async ({
  onTestFinished,
}) => {
  const node = await startNode({ name: "kept", plugins: [] });
  onTestFinished(node.stop);
  const before = await openClient(node.amqpUrl);
  await before.channel.assertQueue("q");
  await before.publish("", "q", "kept");
  await node.kill9();
  await node.restart();
  const after = await openClient(node.amqpUrl);
  expect((await after.get("q"))?.body).toBe("kept");
  expect(await node.ctl("list_queues", "--quiet", "--no-table-headers", "name")).toBe("q");
  await after.close();
  await node.stop();
  expect(existsSync(node.folder)).toBe(false);
  expect(() => process.kill(node.pid, 0)).toThrow("ESRCH");
});
