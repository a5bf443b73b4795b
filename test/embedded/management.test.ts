import { inject } from "vitest";
import { parseJson } from "../../src/apply/inspect/json.ts";
import { startEmbeddedBroker } from "../../src/embedded/start.ts";
import { openClient } from "../support/client.ts";
import { openManagement } from "../support/management.ts";
import { expect, test } from "../support/test.ts";
import { createVhost, deleteVhost, type Vhost } from "../support/vhost.ts";
import { waitFor } from "../support/wait-for.ts";

type Row = Readonly<Record<string, unknown>>;
type Answer = { readonly status: number; readonly body: unknown };

/** Asks as somebody, and gets whatever is answered. */
async function ask(
  { managementUrl }: Pick<Vhost, "managementUrl">,
  path: string,
  {
    method = "GET",
    as = "guest:guest",
    body,
  }: { method?: string; as?: string; body?: object } = {},
): Promise<Answer> {
  const response = await fetch(`${new URL(managementUrl).origin}/api/${path}`, {
    method,
    headers: {
      connection: "close",
      ...(as !== "" && { authorization: `Basic ${Buffer.from(as).toString("base64")}` }),
    },
    ...(body && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, body: text === "" ? "" : parseJson(text) };
}

/** What both brokers answer, this run's and an embedded one; the same, if this run's is one. */
async function onBoth<T>(
  play: (vhost: Vhost) => Promise<T>,
): Promise<{ rabbitmq: T; embedded: T }> {
  const embedded = await startEmbeddedBroker();
  const brokers = [
    inject("broker"),
    { amqpUrl: embedded.url, managementUrl: embedded.managementUrl },
  ];
  const results: T[] = [];
  for (const broker of brokers) {
    const { vhost, observer } = await createVhost(broker);
    results.push(await play(vhost));
    await observer.close();
    await deleteVhost(vhost);
  }
  await embedded.stop();
  return { rabbitmq: results[0] as T, embedded: results[1] as T };
}

function pick(rows: unknown, ...keys: readonly string[]): readonly Row[] {
  return (rows as readonly Row[]).map((row) =>
    Object.fromEntries(keys.map((key) => [key, key in row ? row[key] : "none"])),
  );
}

const ODD = {
  double: { "!": "double", value: 10 },
  huge: { "!": "double", value: 1e22 },
  float: { "!": "float", value: 1.1 },
  long: { "!": "long", value: "9007199254740993" },
  byte: { "!": "byte", value: -1 },
  time: { "!": "timestamp", value: 5 },
  decimal: { "!": "decimal", value: { places: 2, digits: 314 } },
  nothing: null,
  bytes: Buffer.from([255, 1]),
  text: 'a "quoted" \\ \u0001 é',
  nested: { list: [1, "x", { deep: 1.5 }, []], empty: {} },
};

test("exchanges, queues and bindings are listed as RabbitMQ lists them", async () => {
  const { rabbitmq, embedded } = await onBoth(async (vhost) => {
    const client = await openClient(vhost.url);
    const { channel } = client;
    await channel.assertExchange("x", "headers", { arguments: ODD, internal: true });
    for (const type of ["classic", "quorum", "stream"]) {
      await channel.assertQueue(type, { arguments: { "x-queue-type": type, "x-odd": ODD } });
    }
    await channel.assertExchange("y", "topic", { autoDelete: true, durable: false });
    await channel.bindQueue("classic", "x", "", ODD);
    await channel.bindQueue("quorum", "y", "a b/c~%*");
    await channel.bindExchange("y", "x", "");
    await client.publish("", "classic", "one");
    await channel.get("classic");
    const name = vhost.vhost;
    const quick = "disable_stats=true&enable_queue_totals=true";
    const exchanges = await ask(vhost, `exchanges/${name}`);
    const queues = await ask(vhost, `queues/${name}?${quick}`);
    const bindings = await ask(vhost, `bindings/${name}`);
    await client.close();
    const flags = ["name", "type", "durable", "auto_delete"];
    return {
      exchanges: pick(exchanges.body, ...flags, "internal", "arguments").filter(
        (row) => row.name === "x" || row.name === "y",
      ),
      queues: pick(
        queues.body,
        ...[...flags, "exclusive", "arguments", "consumers"],
        ...["messages", "messages_ready", "messages_unacknowledged"],
      ),
      bindings: sorted(
        pick(
          bindings.body,
          ...["source", "destination", "destination_type", "routing_key", "arguments"],
        ),
      ),
      keys: pick(bindings.body, "properties_key")
        .map((row) => String(row.properties_key).replace(/^~.{3,}/, "~hash"))
        .sort(),
    };
  });
  expect(embedded).toEqual(rabbitmq);
});

test("a binding is removed by its properties key, and exactly that one", async () => {
  const { rabbitmq, embedded } = await onBoth(async (vhost) => {
    const client = await openClient(vhost.url);
    const { channel } = client;
    await channel.assertExchange("x", "headers");
    await channel.assertExchange("y", "headers");
    await channel.assertQueue("q", { arguments: { "x-queue-type": "classic" } });
    await channel.bindQueue("q", "x", "", { n: { "!": "byte", value: 5 } });
    await channel.bindQueue("q", "x", "", { n: { "!": "long", value: 5 } });
    await channel.bindQueue("q", "x", "a b/c~%");
    await channel.bindExchange("y", "x", "");
    const below = `bindings/${vhost.vhost}`;
    const list = async () =>
      ((await ask(vhost, below)).body as readonly Row[]).filter(({ source }) => source === "x");
    const seen: unknown[] = [];
    for (const row of sorted(await list())) {
      const kind = row.destination_type === "queue" ? "q" : "e";
      const path = `${below}/e/x/${kind}/${row.destination}/${encodeURIComponent(String(row.properties_key))}`;
      seen.push((await ask(vhost, path, { method: "DELETE" })).status);
      seen.push((await ask(vhost, path, { method: "DELETE" })).status, (await list()).length);
    }
    for (const path of ["e/x/q/no/~", "e/no/q/q/~", "e/x/q/q/a~b"]) {
      seen.push((await ask(vhost, `${below}/${path}`, { method: "DELETE" })).status);
    }
    await client.close();
    return seen;
  });
  expect(embedded).toEqual(rabbitmq);
  expect(embedded).toEqual([204, 404, 3, 204, 404, 2, 204, 404, 1, 204, 404, 0, 404, 404, 404]);
});

test("consumers are listed with their tags and queues", async () => {
  const { rabbitmq, embedded } = await onBoth(async (vhost) => {
    const client = await openClient(vhost.url);
    await client.channel.assertQueue("q", { arguments: { "x-queue-type": "classic" } });
    await client.channel.prefetch(3);
    await client.channel.consume("q", () => undefined, { consumerTag: "warren.test.q.1" });
    const { body } = await waitFor(
      async () => {
        const answer = await ask(vhost, `consumers/${vhost.vhost}`);
        return (answer.body as readonly Row[]).length > 0 && answer;
      },
      { what: "the consumer to be listed", timeoutMs: 30_000 },
    );
    await client.close();
    const [row] = pick(
      body,
      "consumer_tag",
      "queue",
      "ack_required",
      "exclusive",
      "prefetch_count",
    );
    return { ...row, queue: ((row as Row).queue as Row).name };
  });
  expect(embedded).toEqual(rabbitmq);
});

test("who has not logged in, or has no tag, is answered 401; others are told who they are", async () => {
  const { rabbitmq, embedded } = await onBoth(async (vhost) => {
    const management = openManagement(vhost.managementUrl);
    const name = `user-${vhost.vhost}`;
    const as = `${name}:pw`;
    const statuses: unknown[] = [];
    const status = async (path: string, options: Parameters<typeof ask>[2]) =>
      statuses.push((await ask(vhost, path, options)).status);
    await status("whoami", { as: "" });
    await status("whoami", { as: "guest:wrong" });
    await management.put(`users/${name}`, { password: "pw", tags: "" });
    await status("whoami", { as });
    await management.put(`users/${name}`, { password: "pw", tags: "management" });
    const me = (await ask(vhost, "whoami", { as })).body as Row;
    await status("overview", { as });
    await status(`vhosts/${name}`, { as, method: "PUT", body: {} });
    const all = { configure: "", write: "", read: "" };
    await management.put(`permissions/${vhost.vhost}/${name}`, all);
    for (const kind of ["exchanges", "queues", "bindings", "policies", "consumers"]) {
      await status(`${kind}/${vhost.vhost}`, { as });
    }
    await management.remove(`users/${name}`);
    return { statuses, name: me.name === name, tags: me.tags };
  });
  expect(embedded).toEqual(rabbitmq);
});

test("a user without a permission in a virtual host is not shown that it is there", async () => {
  const broker = await startEmbeddedBroker();
  const management = openManagement(broker.managementUrl);
  await management.put("users/stranger", { password: "pw", tags: "monitoring,policymaker" });
  const answers = await Promise.all(
    ["vhosts/%2F", "queues/%2F", "bindings/%2F", "policies/%2F"].map((path) =>
      ask(broker, path, { as: "stranger:pw" }),
    ),
  );
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([404]));
  expect((await ask(broker, "queues", { as: "stranger:pw" })).body).toEqual([]);
  await broker.stop();
});

test("a binding is not removed for a user who may not", async () => {
  const { rabbitmq, embedded } = await onBoth(async (vhost) => {
    const client = await openClient(vhost.url);
    await client.channel.assertExchange("x", "topic");
    await client.channel.assertQueue("q", { arguments: { "x-queue-type": "classic" } });
    await client.channel.bindQueue("q", "x", "#");
    const management = openManagement(vhost.managementUrl);
    const name = `user-${vhost.vhost}`;
    await management.put(`users/${name}`, { password: "pw", tags: "management" });
    const path = `bindings/${vhost.vhost}/e/x/q/q/%2523`;
    const statuses: number[] = [];
    for (const write of ["^$", "^q$"]) {
      const permissions = { configure: "^$", write, read: ".*" };
      await management.put(`permissions/${vhost.vhost}/${name}`, permissions);
      statuses.push((await ask(vhost, path, { method: "DELETE", as: `${name}:pw` })).status);
    }
    await management.remove(`users/${name}`);
    await client.close();
    return statuses;
  });
  expect(embedded).toEqual(rabbitmq);
  expect(embedded).toEqual([401, 204]);
});

test("there are no policies, and none are taken", async () => {
  const broker = await startEmbeddedBroker();
  expect(await ask(broker, "policies")).toEqual({ status: 200, body: [] });
  expect(await ask(broker, "policies/%2F")).toEqual({ status: 200, body: [] });
  const body = { pattern: "", definition: { expires: 1 } };
  expect(await ask(broker, "policies/%2F/p", { method: "PUT", body })).toEqual({
    status: 400,
    body: { error: "bad_request", reason: "the embedded broker has no policies" },
  });
  expect((await ask(broker, "policies/%2F/p", { method: "DELETE" })).status).toBe(404);
  await broker.stop();
});

test("what is no request is answered 400, and the broker goes on", async () => {
  const broker = await startEmbeddedBroker();
  const origin = new URL(broker.managementUrl).origin;
  const headers = {
    connection: "close",
    authorization: `Basic ${Buffer.from("guest:guest").toString("base64")}`,
  };
  const put = await fetch(`${origin}/api/vhosts/v`, { method: "PUT", headers, body: "{" });
  const bad = await fetch(`${origin}/api/queues/%E0%A4%A`, { headers });
  await Promise.all([put.text(), bad.text()]);
  expect([put.status, bad.status]).toEqual([400, 400]);
  expect((await ask(broker, "overview")).status).toBe(200);
  await broker.stop();
});

function sorted<T extends Row>(rows: readonly T[]): readonly T[] {
  const keyOf = (row: T) => JSON.stringify(row);
  return [...rows].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
}
