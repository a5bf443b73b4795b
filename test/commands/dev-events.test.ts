/** An event that is added to the shipped bookshop while `dev` runs it. */
import { cpSync, existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { REPOSITORY } from "../support/processes.ts";
import type { Project } from "../support/project.ts";
import { expect, test } from "../support/test.ts";
import { waitFor } from "../support/wait-for.ts";
import { run } from "./running.ts";

const SCHEMA = "schemas/events/book.retired.json";
const retired = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  description: "A book that is printed no longer.",
  type: "object",
  required: ["book_id"],
  properties: { book_id: { type: "string" } },
};

/** The union of events that the handler of all_books_queue is given. */
function unionIn(project: Project): string {
  const text = readFileSync(project.path("src/generated/topology.ts"), "utf8");
  const [, union = ""] =
    text.match(/interface QueueEvents \{[^}]*"all_books_queue": ([^;]*);/) ?? [];
  return union;
}

test("a schema alone makes an event: accepted, received, typed and documented, in dev, without a restart", async ({
  vhost,
  createProject,
  startCli,
}) => {
  const project = await createProject({ topology: "" });
  for (const name of ["topology.yaml", "schemas", "src/handlers", "src/generated"]) {
    cpSync(join(REPOSITORY, name), project.path(name), { recursive: true });
  }
  const env = { RABBITMQ_URL: vhost.url, PORT: "0", LOG_LEVEL: "debug" };
  const warren = await run(startCli, project, ["dev"], env);
  await warren.process.waitForLine('"msg":"generated types are current"');
  const { url } = JSON.parse(await warren.process.waitForLine('"msg":"ready"')) as { url: string };
  const ask = async (path: string, init: RequestInit = {}) => {
    const headers = { "content-type": "application/json", connection: "close" };
    const response = await fetch(`${url}${path}`, { ...init, headers });
    return { status: response.status, text: await response.text() };
  };
  const publish = async () => {
    const body = JSON.stringify({ event_type: "book.retired", book_id: "1" });
    const { status, text } = await ask("/publish/book", { method: "POST", body });
    return { ...(JSON.parse(text) as { code?: string; message_id?: string }), status };
  };
  const documents = async () => {
    const texts = [(await ask("/openapi.json")).text, (await ask("/asyncapi.json")).text];
    return texts.map((text) => text.includes("book.retired"));
  };
  const received = async () => {
    const { status, message_id } = await publish();
    expect(status).toBe(202);
    const deliveries = await waitFor(
      async (seen) => {
        const trace = JSON.parse(seen((await ask(`/trace/${message_id}`)).text));
        return trace.deliveries.length > 0 && trace.deliveries;
      },
      { what: "all-books to handle it" },
    );
    expect(deliveries).toMatchObject([
      { queue: "all_books_queue", attempt: 1, outcome: "handled" },
    ]);
  };
  const before = unionIn(project);
  expect(await publish()).toMatchObject({ status: 404, code: "unknown-event" });
  expect(await documents()).toEqual([false, false]);

  await project.write(SCHEMA, JSON.stringify(retired));
  await warren.generation(2);
  await received();
  expect(await documents()).toEqual([true, true]);
  await waitFor((seen) => seen(unionIn(project)) !== before, { what: "its type" });
  expect(unionIn(project)).toBe(
    "BookCreated | BookDeleted | BookPriceChanged | BookRetired | BookUpdated",
  );

  const typed = unionIn(project);
  await project.write(SCHEMA, '{\n  "type": "objekt"\n}');
  expect(await warren.problem(/./)).toMatch(
    /^schemas\/events\/book\.retired\.json:2:\d+ bad-event-schema /,
  );
  await received();
  expect([await documents(), unionIn(project)]).toEqual([[true, true], typed]);

  rmSync(project.path(SCHEMA));
  await warren.generation(3);
  expect(await publish()).toMatchObject({ status: 404, code: "unknown-event" });
  expect(await documents()).toEqual([false, false]);
  await waitFor((seen) => seen(unionIn(project)) === before, { what: "its type to go" });
  expect(existsSync(project.path(SCHEMA))).toBe(false);
  expect(await warren.stop()).toBe(0);
});
