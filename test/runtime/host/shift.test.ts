import { existsSync } from "node:fs";
import type { Prepared } from "../../../src/runtime/host/host.ts";
import { expect, test } from "../../support/test.ts";
import { handlerText } from "../../support/threaded.ts";
import { waitFor } from "../../support/wait-for.ts";
import { deliveryOf, openHost, withoutBroker } from "./hosting.ts";
import { pause } from "./jobs.ts";

const topology = withoutBroker(`
defaults: { retry: none, deadLetter: none, timeout: 20s }
worker: { crashes: 1 }
exchanges: { jobs: { type: topic } }
queues:
  work: { bind: { jobs: "#" }, handler: work }
`);

const endless = "await new Promise(() => {});";

/** A module whose handler can end its thread; `after` is run as its n-th thread has loaded it. */
const mortal = (after: string) =>
  handlerText(
    "if (event.exit) (process as any).reallyExit(5);",
    `import { appendFileSync, readFileSync } from "node:fs";
const starts = new URL("starts", import.meta.url);
appendFileSync(starts, "x");
const nth = readFileSync(starts).length;
${after}`,
  );

function activate(prepared: Prepared): void {
  if (!prepared.ok) throw new Error(JSON.stringify(prepared.problems));
  prepared.activate();
}

test("a thread that has died before it is used gets nothing: another one takes its place", async ({
  createProject,
}) => {
  const project = await createProject({
    topology,
    handlers: {
      work: mortal("if (nth === 2) setTimeout(() => (process as any).reallyExit(5), 200);"),
    },
  });
  const { host, topology: loaded, results, log } = openHost(project);
  activate(await host.prepare(loaded));
  const second = await host.prepare(loaded);
  const deaths = () => log.filter(({ message }) => message === "the handlers' thread died").length;
  await waitFor(() => deaths() === 1, { what: "the second thread to die" });
  host.deliver([deliveryOf("work", { exit: true })]);
  await waitFor(() => deaths() === 2, { what: "the first one to die", everyMs: 1 });
  const waiting = deliveryOf("work", {});
  host.deliver([waiting]);
  activate(second);
  expect(host.status().state).toBe("starting");
  await waitFor(() => results.some(({ id }) => id === waiting.id), { what: "its result" });
  await host.stop();
  const outcomes = results.map(({ outcome }) => outcome.status);
  expect(outcomes.sort()).toEqual(["dead", "handled"]);
});

test("a thread that dies while it waits to be replaced is replaced now", async ({
  createProject,
}) => {
  const project = await createProject({
    topology: topology.replace(
      "handler: work }",
      "handler: work }\n  slow: { bind: { jobs: slow }, handler: slow }\n  stuck: { bind: { jobs: stuck }, handler: stuck, timeout: 100ms }",
    ),
    handlers: { work: mortal(""), slow: handlerText(pause(19_000)), stuck: handlerText(endless) },
  });
  const { host, topology: loaded, results } = openHost(project);
  activate(await host.prepare(loaded));
  host.deliver([deliveryOf("slow", {})]);
  activate(await host.prepare(loaded));
  host.deliver([deliveryOf("stuck", {})]);
  await waitFor(() => host.status().restarts === 1, { what: "a thread that should be replaced" });
  host.deliver([deliveryOf("work", { exit: true })]);
  await waitFor(() => host.status().restarts === 2, { what: "its death" });
  const waiting = deliveryOf("work", {});
  host.deliver([waiting]);
  await waitFor(() => results.some(({ id }) => id === waiting.id), { what: "its result" });
  expect(host.status().finishing).toBe(1);
  await host.stop();
});

test("a host that stops starts no thread any more, whoever waits for one", async ({
  createProject,
}) => {
  const slow = topology.replace("handler: work", "handler: slow");
  const project = await createProject({
    topology: slow,
    handlers: { slow: handlerText(pause(19_000)) },
  });
  const { host, topology: loaded, log } = openHost(project);
  activate(await host.prepare(loaded));
  host.deliver([deliveryOf("work", {})]);
  activate(await host.prepare(loaded));
  // It waits for the end of the first.
  const third = host.prepare(loaded);
  const stopped = host.stop();
  let started = 0;
  const onWorker = () => void started++;
  process.on("worker", onWorker);
  expect(await third).toEqual({ ok: false, files: new Map(), problems: [] });
  host.warm();
  await stopped;
  process.off("worker", onWorker);
  expect(started).toBe(0);
  expect(log).toEqual([]);
});

test("a host that stops while it loads handlers has no problem with them", async ({
  createProject,
}) => {
  const mark = `import { writeFileSync } from "node:fs";
writeFileSync(new URL("mark", import.meta.url), "");
${pause(9_000)}`;
  const project = await createProject({ topology, handlers: { work: handlerText("", mark) } });
  const { host, topology: loaded, log } = openHost(project);
  const prepared = host.prepare(loaded);
  await waitFor(() => existsSync(project.path("src/handlers/mark")), { what: "it to load them" });
  await host.stop();
  expect(await prepared).toMatchObject({ ok: false, problems: [] });
  expect(log).toEqual([]);
});
