import { expect, test } from "../support/test.ts";
import { eventsOf, handlerOf, run, topologyOf } from "./running.ts";

const events = eventsOf("id");

test("dev takes the fix that is saved while handlers load which can't be loaded", async ({
  vhost,
  createProject,
  startCli,
}) => {
  const hanging = `console.log("loading");
await new Promise((resolve) => setTimeout(resolve, 2_000));
throw new Error("not yet");
`;
  const project = await createProject({
    topology: topologyOf(vhost.url),
    handlers: { a: hanging, job: handlerOf("1") },
    events,
  });
  const process = startCli(project, ["dev"]);
  await process.waitForLine("loading");
  await project.write("src/handlers/a.ts", handlerOf("2"));
  const warren = await run(() => process, project);
  expect(process.stderr).toContain("not yet");
  expect(await warren.version()).toBe("2");
  expect(await warren.stop()).toBe(0);
});
