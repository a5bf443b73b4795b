import { consumerTag } from "../../../src/runtime/intake/consumer-tag.ts";
import { startRunner } from "../../support/runner.ts";
import { expect, test } from "../../support/test.ts";
import { waitFor } from "../../support/wait-for.ts";
import { nothing, topology } from "../jobs.ts";

test("a consumer's tag names its project and its queue", async ({ vhost }) => {
  const handlers = { work: nothing, other: nothing };
  const warren = await startRunner({ url: vhost.url, topology, handlers });
  const tags = await waitFor(
    async () => {
      const consumers = await vhost.management<{ consumer_tag: string }[]>("consumers/{vhost}");
      return consumers?.length === 2 && consumers.map((one) => one.consumer_tag).sort();
    },
    { what: "two consumers" },
  );
  await warren.stop();
  expect(tags).toEqual([
    expect.stringMatching(/^warren\.test\.other\.[0-9a-f]{12}$/),
    expect.stringMatching(/^warren\.test\.work\.[0-9a-f]{12}$/),
  ]);
});

test("a queue's name is cut in its consumer's tag where it would be too long for AMQP", () => {
  const project = "p".repeat(63);
  const tags = ["q".repeat(255), "é".repeat(127), `a${"é".repeat(127)}`, "𝄞".repeat(63)].map(
    (name) => consumerTag(project, name),
  );
  expect(tags.map((tag) => Buffer.byteLength(tag))).toEqual([255, 254, 255, 252]);
  expect(tags.every((tag) => /^warren\.p{63}\.(q+|a?é+|(𝄞)+)\.[0-9a-f]{12}$/u.test(tag))).toBe(
    true,
  );
});

test("two consumers of one queue have different tags", () => {
  expect(consumerTag("test", "work")).not.toBe(consumerTag("test", "work"));
});
