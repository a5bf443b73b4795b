import { expect, test } from "../support/test.ts";
import { handlerText, startThreaded } from "../support/threaded.ts";
import { waitFor } from "../support/wait-for.ts";
import { topology } from "./jobs.ts";

test("an edit that waits for runs of the former handlers is named in /health, and said once", async ({
  vhost,
  client,
}) => {
  const warren = await startThreaded({
    url: vhost.url,
    topology,
    handlers: {
      work: handlerText(
        'while (!existsSync(new URL("../../gate", import.meta.url))) await setTimeout(20);',
        'import { existsSync } from "node:fs";\nimport { setTimeout } from "node:timers/promises";',
      ),
      other: handlerText(""),
    },
  });
  const edit = async () => await warren.runner.update({ ok: true, topology: warren.topology });
  await client.publish("jobs", "x", {});
  await waitFor(() => warren.runner.status().queues.work?.inFlight === 1, { what: "a run" });
  expect(await edit()).toMatchObject({ status: "updated", generation: 2 });
  expect((await warren.get("/health")).body).toMatchObject({
    status: "ok",
    handlers: { finishing: 1 },
    reload: { generation: 2, pending: null },
  });

  const second = edit();
  const said = () => warren.log.filter(({ message }) => message === "not reloaded yet");
  await waitFor(() => said().length === 1, { what: "it to be said" });
  const pending = "waiting for 1 run of the former handlers";
  expect(said()).toMatchObject([{ level: "info", reason: pending }]);
  expect((await warren.get("/health")).body).toMatchObject({
    status: "degraded",
    summary: `the last edit is not in use yet: ${pending}`,
    reload: { generation: 2, pending, problems: [] },
  });
  expect((await warren.get("/readyz")).status).toBe(200);

  await warren.project.write("gate", "");
  expect(await second).toMatchObject({ status: "updated", generation: 3 });
  expect((await warren.get("/health")).body).toMatchObject({
    status: "ok",
    reload: { generation: 3, pending: null },
  });
  expect(said()).toHaveLength(1);
  await warren.stop();
});
