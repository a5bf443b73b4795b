import { Session } from "node:inspector";
import { vi } from "vitest";
import { expect, test } from "../../support/test.ts";
import { handlerText } from "../../support/threaded.ts";
import { waitFor } from "../../support/wait-for.ts";
import { deliveryOf, openHost, withoutBroker } from "./hosting.ts";

const topology = withoutBroker(`
defaults: { retry: none, deadLetter: none, timeout: 20s }
worker: { memory: 64MiB, crashes: 1, blocked: 1s }
exchanges: { jobs: { type: topic } }
queues:
  work: { bind: { jobs: "#" }, handler: work }
`);

const fill = "all.push(Array.from({ length: 1_000 }, (_, n) => ({ n })));";

test.for([
  { how: "blocks", body: "for (;;) {}", reason: "blocked for 1000 ms" },
  {
    how: "blocks in Node's own code",
    body: "for (;;) Buffer.from('x').toString('base64');",
    reason: "blocked for 1000 ms",
  },
  {
    how: "fills the memory",
    body: `const all = []; for (;;) ${fill}`,
    reason: "out of memory",
    blocked: "20s",
  },
])(
  "it is told where a handler $how",
  async ({ body, reason, blocked = "1s" }, { createProject }) => {
    const project = await createProject({
      topology: topology.replace("blocked: 1s", `blocked: ${blocked}`),
      handlers: { work: handlerText(body) },
    });
    const { host, topology: loaded, results } = openHost(project);
    const prepared = await host.prepare(loaded);
    if (prepared.ok) prepared.activate();
    host.deliver([deliveryOf("work", {})]);
    await waitFor(() => results.length > 0, { what: "its result" });
    await host.stop();
    const place = `${project.path("src/handlers/work.ts")}:5:`;
    const error = expect.stringContaining(`${reason} at ${place}`);
    expect(results).toMatchObject([{ outcome: { cause: { reason: "handler-crash", error } } }]);
  },
);

test("where Node denies the inspector a thread is ended all the same", async ({
  createProject,
}) => {
  const denied = vi.spyOn(Session.prototype, "connect").mockImplementation(() => {
    throw new Error("ERR_ACCESS_DENIED");
  });
  try {
    const project = await createProject({
      topology,
      handlers: { work: handlerText("for (;;) {}") },
    });
    const { host, topology: loaded, results } = openHost(project);
    const prepared = await host.prepare(loaded);
    if (prepared.ok) prepared.activate();
    host.deliver([deliveryOf("work", {})]);
    await waitFor(() => results.length > 0, { what: "its result" });
    await host.stop();
    const error = "the handler ended its thread once, at last: blocked for 1000 ms";
    expect(results).toMatchObject([{ outcome: { cause: { reason: "handler-crash", error } } }]);
  } finally {
    denied.mockRestore();
  }
});
