/** Several runners that declare at the same time. */
import { WarrenError } from "../../src/errors.ts";
import { startRunner, type TestRunner } from "../support/runner.ts";
import { expect, test } from "../support/test.ts";
import type { Vhost } from "../support/vhost.ts";
import { waitFor } from "../support/wait-for.ts";
import { nothing, topology } from "./jobs.ts";
import { untilReady } from "./running.ts";

test("five runners that start together are all ready, on one topology", async ({
  vhost,
  client,
}) => {
  const handled: unknown[] = [];
  const files = {
    url: vhost.url,
    topology,
    handlers: { other: nothing, work: (event: unknown) => void handled.push(event) },
  };
  const runners = await Promise.all(Array.from({ length: 5 }, () => startRunner(files)));
  await Promise.all(runners.map(untilReady));
  expect(await listObjects(vhost)).toEqual({
    exchanges: ["dead", "jobs", "others", "warren.test.requeue", "warren.test.retry"],
    queues: ["dead_letters", "other", "warren.test.retry.200ms", "warren.test.state", "work"],
    bindings: [
      "dead -> dead_letters #",
      "jobs -> work #",
      "others -> other #",
      "warren.test.requeue -> other *.other",
      "warren.test.requeue -> work *.work",
      "warren.test.retry -> warren.test.retry.200ms 200ms.#",
    ],
  });
  for (const queue of ["work", "other"]) await vhost.waitForCounts(queue, { consumers: 5 });
  for (let n = 0; n < 20; n++) await client.publish("jobs", "x", { n });
  await waitFor((seen) => seen(handled.length) === 20, { what: "20 messages" });
  await Promise.all(runners.map(({ stop }) => stop()));
  expect(await vhost.queueCounts("work")).toEqual({ ready: 0, consumers: 0 });
});

test("of two that declare a queue differently at the same time, one is told in what", async ({
  vhost,
  client,
}) => {
  const start = (ttl: string) =>
    startRunner({
      url: vhost.url,
      topology: topology.replace("handler: work", `handler: work, ttl: ${ttl}`),
      handlers: { other: nothing, work: nothing },
    });
  for (let round = 0; round < 5; round++) {
    const outcomes = await Promise.allSettled([start("60s"), start("61s")]);
    const winners = outcomes.filter((one) => one.status === "fulfilled");
    const losers = outcomes.filter((one) => one.status === "rejected");
    expect([winners.length, losers.length]).toEqual([1, 1]);
    const error: unknown = losers[0]?.reason;
    expect(error).toBeInstanceOf(WarrenError);
    expect(error).toMatchObject({ code: "conflict" });
    const [own, other] = outcomes[0] === losers[0] ? ["60000", "61000"] : ["61000", "60000"];
    expect(String(error)).toMatch(new RegExp(`work[^]*x-message-ttl +${other} -> ${own}\\n`));
    const warren = winners[0]?.value as TestRunner;
    await untilReady(warren);
    expect((await listObjects(vhost)).bindings).toHaveLength(6);
    await warren.stop();
    await client.channel.deleteQueue("work");
  }
});

type Named = { readonly name: string };
type Binding = {
  readonly source: string;
  readonly destination: string;
  readonly routing_key: string;
};

async function listObjects(vhost: Vhost) {
  const list = async <T>(kind: string) =>
    (await vhost.management<readonly T[]>(`${kind}/{vhost}`)) ?? [];
  const [exchanges, queues, bindings] = await Promise.all([
    list<Named>("exchanges"),
    list<Named>("queues"),
    list<Binding>("bindings"),
  ]);
  return {
    exchanges: exchanges.map(({ name }) => name).filter((name) => !/^(amq\..*|)$/.test(name)),
    queues: queues.map(({ name }) => name).sort(),
    bindings: bindings
      .filter(({ source }) => source !== "")
      .map(({ source, destination, routing_key }) => `${source} -> ${destination} ${routing_key}`)
      .sort(),
  };
}
