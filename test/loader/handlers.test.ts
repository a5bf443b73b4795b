import { mkdir, symlink } from "node:fs/promises";
import { type Loaded, load } from "../../src/loader/load.ts";
import { type Project, writeProject } from "../support/project.ts";
import { expect, test } from "../support/test.ts";

const topology = `version: 1
project: shop
broker: { url: "amqp://127.0.0.1" }
queues: { a: { handler: billing/take, deadLetter: none } }
`;

function found(project: Project, handlersDirectory?: string): string {
  const file = project.path("topology.yaml");
  const loaded: Loaded = load({ file, env: {}, ...(handlersDirectory && { handlersDirectory }) });
  if (!loaded.ok) return loaded.problems.map(({ code }) => code).join();
  return (loaded.topology.queues.a?.handler?.file ?? "").replace(`${project.folder}/`, "");
}

test.each([".ts", ".mts", ".js", ".mjs"])("a handler may end in %s", async (ending) => {
  const project = await writeProject({ topology });
  await project.write(`src/handlers/billing/take${ending}`, "export {};\n");
  expect(found(project)).toBe(`src/handlers/billing/take${ending}`);
  await project.remove();
});

test("a folder, a type declaration and another ending are no handlers", async ({
  createProject,
}) => {
  const project = await createProject({ topology });
  await project.write("src/handlers/billing/take.ts/index.ts", "export {};\n");
  await project.write("src/handlers/billing/take.json", "{}\n");
  await project.write("src/handlers/billing/take.d.ts", "export {};\n");
  expect(found(project)).toBe("unknown-handler");
});

test("a link may lead to another handler, and not out of the folder", async ({ createProject }) => {
  const project = await createProject({ topology, handlers: { take: "export {};\n" } });
  await project.write("outside/take.ts", "export {};\n");
  await mkdir(project.path("src/handlers/billing"));
  await symlink(project.path("src/handlers/take.ts"), project.path("src/handlers/billing/take.ts"));
  expect(found(project)).toBe("src/handlers/take.ts");
});

test("a link of a file out of the folder is refused", async ({ createProject }) => {
  const project = await createProject({ topology });
  await project.write("outside/take.ts", "export {};\n");
  await mkdir(project.path("src/handlers/billing"));
  await symlink(project.path("outside/take.ts"), project.path("src/handlers/billing/take.ts"));
  expect(found(project)).toBe("handler-outside");
});

test("a link of a folder out of the folder is refused, also to one whose name begins alike", async ({
  createProject,
}) => {
  const project = await createProject({ topology });
  await project.write("src/handlers-of-others/take.ts", "export {};\n");
  await symlink(project.path("src/handlers-of-others"), project.path("src/handlers/billing"));
  expect(found(project)).toBe("handler-outside");
});

test("the folder of the handlers can be another, for a build", async ({ createProject }) => {
  const project = await createProject({ topology });
  await project.write("dist/handlers/billing/take.js", "export {};\n");
  expect(found(project, project.path("dist/handlers"))).toBe("dist/handlers/billing/take.js");
});
