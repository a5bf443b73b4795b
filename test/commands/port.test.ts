import { once } from "node:events";
import { statSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { start } from "../../src/commands/start.ts";
import { nothing } from "../runtime/jobs.ts";
import { expect, test } from "../support/test.ts";

test("a start whose port is taken leaves no thread of handlers behind", async ({
  createProject,
}) => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const project = await createProject({
    topology: `version: 1
project: test
broker: { url: "amqp://127.0.0.1" }
http: { port: ${port} }
queues:
  work: { handler: work, deadLetter: none }
`,
    handlers: {
      work: `import { appendFileSync } from "node:fs";
import { defineHandler } from "warren";
setInterval(() => appendFileSync(new URL("../../beats", import.meta.url), "x"), 10);
export default defineHandler<never>(() => undefined);
`,
    },
  });
  const context = {
    file: project.path("topology.yaml"),
    handlersDirectory: project.path("src/handlers"),
    env: process.env,
    isJson: false,
    terminal: null,
    by: "somebody@here",
    isTerminal: false,
    print: nothing,
    printError: nothing,
    log: { debug: nothing, info: nothing, warn: nothing, error: nothing },
  };
  const never = new Promise<string>(nothing);
  await expect(start(context, never)).rejects.toMatchObject({ code: "port-in-use" });
  const beats = () => statSync(project.path("beats"), { throwIfNoEntry: false })?.size ?? 0;
  const before = beats();
  await delay(300);
  expect(beats()).toBe(before);
  server.close();
});
