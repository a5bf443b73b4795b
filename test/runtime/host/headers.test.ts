import { publishNested } from "../../support/protocol.ts";
import { expect, test } from "../../support/test.ts";
import { handlerText, startThreaded } from "../../support/threaded.ts";
import { waitFor } from "../../support/wait-for.ts";

const topology = `
defaults: { deadLetter: dead }
exchanges:
  jobs: { type: topic }
  dead: { type: topic }
queues:
  work: { type: TYPE, bind: { jobs: "#" }, handler: work ORDER}
  dead_letters: { bind: { dead: "#" }, handler: none, deadLetter: none }
`;

test.for([
  { name: "a quorum queue", type: "quorum", order: "" },
  { name: "a classic queue", type: "classic", order: "" },
  { name: "an ordered queue", type: "quorum", order: ", ordered: true " },
])(
  "a message of $name with a header that is nested too deep is dead-lettered without it",
  async ({ type, order }, { vhost, client }) => {
    const warren = await startThreaded({
      url: vhost.url,
      topology: topology.replace("TYPE", type).replace("ORDER", order),
      handlers: { work: handlerText("log.info({ headers: message.headers }, 'handled');") },
    });
    for (const depth of [64, 65, 3_000]) {
      publishNested(client.channel, { exchange: "jobs", key: "x", depth });
    }
    await client.publish("jobs", "x", {});
    await vhost.waitForCounts("dead_letters", { ready: 2 });
    await waitFor(() => warren.logged("handled").length === 2, { what: "the others" });
    await waitFor(() => warren.runner.status().queues.work?.inFlight === 0, { what: "the end" });
    expect(await warren.stop()).toBe(true);
    expect(warren.logged("handled")).toMatchObject([{ headers: { kept: true } }, { headers: {} }]);
    const [dead, ...more] = await client.peek("dead_letters");
    expect(more).toHaveLength(1);
    expect(dead?.body).toBe("{}");
    expect(dead?.headers).toMatchObject({
      kept: true,
      "x-warren-reason": "undecodable",
      "x-warren-error": 'header "a" is nested deeper than 64 levels',
      "x-warren-attempts": 1,
    });
    expect(dead?.headers).not.toHaveProperty("a");
  },
);

test("a message with such a header that comes once more is no other message", async ({
  vhost,
  client,
}) => {
  const files = {
    url: vhost.url,
    topology: topology.replace("TYPE", "classic").replace("ORDER", ""),
    handlers: { work: handlerText("log.info({}, 'handled');") },
  };
  await (await startThreaded(files)).stop();
  publishNested(client.channel, { exchange: "jobs", key: "x", depth: 65 });
  // Taken and given back: the broker says that it is delivered once more.
  await vhost.waitForCounts("work", { ready: 1 });
  expect(await client.peek("work")).toHaveLength(1);
  const warren = await startThreaded(files);
  await vhost.waitForCounts("dead_letters", { ready: 1 });
  await warren.stop();
  expect(warren.logged("handled")).toEqual([]);
});
