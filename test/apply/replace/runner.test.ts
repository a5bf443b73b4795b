/** A runner of this project, whose queue is replaced by an apply. */
import { NO_PERMISSIONS } from "../../../src/apply/change/options.ts";
import { requeueExchange } from "../../../src/apply/objects.ts";
import { startRunner } from "../../support/runner.ts";
import { expect, test } from "../../support/test.ts";
import { waitFor } from "../../support/wait-for.ts";
import { apply, changesOf } from "../applying.ts";
import { leftovers } from "./replacing.ts";

const ALLOWED = { permissions: { ...NO_PERMISSIONS, allowReplace: true } };
const topology = (keys: string) => `
exchanges: { jobs: { type: topic } }
queues:
  q: { bind: { jobs: "#" }, handler: work, deadLetter: none, ${keys} }
`;

type Seen = {
  readonly message: { readonly id: string; readonly exchange: string; readonly routingKey: string };
  readonly attempt: number;
};

test("a handler finds exchange, routing key and attempt of a moved message as they were", async ({
  vhost,
  client,
}) => {
  const handlers = { work: () => undefined };
  await apply(vhost, topology("type: classic, retry: [1s]"), { handlers });
  await client.publish("jobs", "job.one", {}, { messageId: "first" });
  const headers = {
    "x-warren-attempt": 2,
    "x-warren-exchange": "jobs",
    "x-warren-routing-key": "job.two",
  };
  await client.publish(requeueExchange("test"), "now.q", {}, { messageId: "second", headers });
  // Forged: it did not come the way that such headers come.
  await client.publish("jobs", "job.three", {}, { messageId: "third", headers });

  const wanted = topology("type: quorum, retry: [1s]");
  const report = await apply(vhost, wanted, { handlers, ...ALLOWED });
  expect(changesOf(report)).toEqual(["replaced queue q: 3 messages moved"]);

  const seen: unknown[] = [];
  const work = (_event: never, { message, attempt }: Seen) =>
    void seen.push([message.id, message.exchange, message.routingKey, attempt]);
  const warren = await startRunner({ topology: wanted, handlers: { work }, url: vhost.url });
  await waitFor(() => seen.length === 3, { what: "three runs" });
  await warren.stop();
  expect(seen).toEqual([
    ["first", "jobs", "job.one", 1],
    ["second", "jobs", "job.two", 2],
    ["third", "jobs", "job.three", 1],
  ]);
});

test.for(["quorum", "classic"])(
  "a runner whose %s queue is replaced again and again goes on each time, with what waited for a retry too",
  async (type, { vhost, client }) => {
    const seen: string[] = [];
    const work = (_event: never, { message, attempt }: Seen) => {
      seen.push(`${message.id} ${attempt}`);
      if (message.id.startsWith("retried") && attempt === 1) throw new Error("once more");
    };
    const keys = (hours: number) => topology(`type: ${type}, retry: [4s], ttl: ${hours}h`);
    const files = { handlers: { work }, url: vhost.url, management: vhost.managementUrl };
    const warren = await startRunner({ topology: keys(1), ...files });
    for (const round of [1, 2]) {
      await client.publish("jobs", "job", {}, { messageId: `retried ${round}` });
      await waitFor(() => seen.includes(`retried ${round} 1`), { what: "its first attempt" });
      const report = await apply(vhost, keys(1 + round), { handlers: { work }, ...ALLOWED });
      expect(changesOf(report)).toEqual([expect.stringMatching(/^replaced queue q: /)]);
      await client.publish("jobs", "job", {}, { messageId: `after ${round}` });
      const both = [`retried ${round} 2`, `after ${round} 1`];
      await waitFor((now) => now(both.every((one) => seen.includes(one))), { what: "both runs" });
    }
    await warren.stop();
    expect([...new Set(seen)].sort()).toEqual([
      "after 1 1",
      "after 2 1",
      "retried 1 1",
      "retried 1 2",
      "retried 2 1",
      "retried 2 2",
    ]);
    expect(await leftovers(vhost)).toEqual([]);
  },
);
