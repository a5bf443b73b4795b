import { inject } from "vitest";
import { WarrenError } from "warren";
import { WarrenError as Source } from "../../src/errors.ts";
import { openClient } from "./client.ts";
import { countResources, expectNoLeak } from "./leaks.ts";
import { expect, test } from "./test.ts";
import { createVhost, deleteVhost } from "./vhost.ts";

test("a queue of one vhost is not seen in another", async ({ vhost, client }) => {
  await client.channel.assertQueue("mine");
  const other = await createVhost(inject("broker"));
  expect(await other.vhost.queueCounts("mine")).toBeUndefined();
  expect(await vhost.queueCounts("mine")).toEqual({ ready: 0, consumers: 0 });
  await other.observer.close();
  await deleteVhost(other.vhost);
  expect(await vhost.management(`vhosts/${other.vhost.vhost}`)).toBeUndefined();
});

test("a peeked message stays, a message that was got is gone", async ({ vhost, client }) => {
  await client.channel.assertQueue("q");
  await client.publish("", "q", { n: 1 }, { messageId: "m1" });
  await vhost.waitForCounts("q", { ready: 1 });
  const [peeked] = await vhost.peek("q");
  expect(peeked?.body).toBe('{"n":1}');
  expect(peeked?.properties.messageId).toBe("m1");
  await vhost.waitForCounts("q", { ready: 1 });
  expect((await vhost.get("q"))?.body).toBe('{"n":1}');
  expect(await vhost.get("q")).toBeUndefined();
});

test("a publish that reaches no queue says so", async ({ client }) => {
  await client.channel.assertQueue("q");
  expect(await client.publish("amq.topic", "nowhere", {})).toEqual({ routed: false });
  expect(await client.publish("", "q", {})).toEqual({ routed: true });
});

test("what a test leaves open is counted by kind", async ({ vhost }) => {
  const before = countResources();
  const left = await openClient(vhost.url);
  await expect(expectNoLeak(before, 50)).rejects.toThrow(/\(a leak\); last seen: 'sockets: 1'$/);
  await left.close();
  await expectNoLeak(before);
});

test("the package's own name is its source", () => {
  expect(WarrenError).toBe(Source);
});
