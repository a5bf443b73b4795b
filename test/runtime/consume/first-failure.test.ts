import { applyTopology } from "../../../src/apply/change/apply.ts";
import type { HandlerContext } from "../../../src/handler.ts";
import { loadTopology, startRunner } from "../../support/runner.ts";
import { expect, test } from "../../support/test.ts";
import { waitFor } from "../../support/wait-for.ts";

const permissions = { prune: false, allowReplace: true, adopt: false };

const topologyOf = (type: "classic" | "quorum") => `
defaults: { deadLetter: dead }
exchanges:
  jobs: { type: topic }
  dead: { type: topic }
queues:
  work: { type: ${type}, bind: { jobs: work }, handler: work, retry: [300ms, 300ms] }
  ordered: { bind: { jobs: ordered }, handler: work, ordered: true, retry: [20ms] }
  dead_letters: { bind: { dead: "#" }, handler: none, deadLetter: none }
`;

test("the first failure stands in the dead letter, whichever runners and queues it went through", async ({
  vhost,
  client,
}) => {
  const begun: string[] = [];
  // Each attempt is made by a runner of its own; before the second one the queue is replaced.
  for (const [index, name] of ["one", "two", "three"].entries()) {
    const files = {
      url: vhost.url,
      management: vhost.managementUrl,
      topology: topologyOf(index === 0 ? "classic" : "quorum"),
      handlers: {
        work: (_event: unknown, { attempt }: HandlerContext) => {
          begun.push(`${attempt} ${name}`);
          throw new Error(`${name} at attempt ${attempt} ${"é".repeat(1_000)}`);
        },
      },
    };
    if (index === 1) {
      await vhost.waitForCounts("work", { ready: 1, consumers: 0 });
      await applyTopology(await loadTopology(files), { permissions, by: "ci@host" });
    }
    const warren = await startRunner(files);
    if (name === "one") await client.publish("jobs", "work", { order: 7 });
    await waitFor(() => begun.length > index, { what: `the attempt of runner ${name}` });
    await warren.stop();
  }
  await vhost.waitForCounts("dead_letters", { ready: 1 });
  const headers = (await client.get("dead_letters"))?.headers ?? {};
  expect(headers).toMatchObject({
    "x-warren-attempts": 3,
    "x-warren-exchange": "jobs",
    "x-warren-routing-key": "work",
    "x-warren-first-error": expect.stringMatching(/^Error: one at attempt 1 é+…$/),
  });
  expect(Buffer.byteLength(String(headers["x-warren-first-error"]))).toBeLessThanOrEqual(1_024);
  const span = Date.parse(String(headers["x-warren-dead-at"]));
  expect(span - Date.parse(String(headers["x-warren-first-failed-at"]))).toBeGreaterThanOrEqual(
    598,
  );
});

test("a first failure that a publisher makes up is not believed, and one in place is kept", async ({
  vhost,
  client,
}) => {
  const warren = await startRunner({
    url: vhost.url,
    topology: topologyOf("quorum"),
    handlers: {
      work: (_event, { attempt }) => {
        throw new Error(`at attempt ${attempt}`);
      },
    },
  });
  const headers = {
    "x-warren-attempt": 3,
    "x-warren-first-failed-at": "1999-01-01T00:00:00.000Z",
    "x-warren-first-error": "made up",
  };
  await client.publish("jobs", "ordered", {}, { headers });
  await vhost.waitForCounts("dead_letters", { ready: 1 });
  await warren.stop();
  const dead = await client.get("dead_letters");
  expect(dead?.headers).toMatchObject({
    "x-warren-attempts": 2,
    "x-warren-first-error": "Error: at attempt 1",
    "x-warren-error": "Error: at attempt 2",
    "x-warren-first-failed-at": expect.stringMatching(/^20/),
  });
});
