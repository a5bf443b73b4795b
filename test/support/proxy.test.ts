import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { test as plain } from "vitest";
import { openClient } from "./client.ts";
import { expectNoLeak } from "./leaks.ts";
import { startProxy, type TcpProxy } from "./proxy.ts";
import { expect, test } from "./test.ts";
import { waitFor } from "./wait-for.ts";

/** A server that keeps what it gets and sends it back, behind a proxy, with one client. */
const echo = plain.extend<{ line: { proxy: TcpProxy; client: Socket; got: () => string } }>({
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads the parameter's pattern.
  line: async ({}, use) => {
    const server = createServer((socket) => socket.on("error", () => undefined).pipe(socket));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const proxy = await startProxy((server.address() as AddressInfo).port);
    const client = connect(proxy.port, "127.0.0.1").on("error", () => undefined);
    let text = "";
    client.on("data", (chunk) => {
      text += chunk;
    });
    await once(client, "connect");
    await use({ proxy, client, got: () => text });
    client.destroy();
    await proxy.close();
    server.close();
  },
});

const within = { what: "the bytes to come back" };

echo("cut resets the connection, and new ones are accepted", async ({ line }) => {
  const { proxy, client } = line;
  await waitFor(() => proxy.connections === 1, within);
  const failed = once(client, "error");
  proxy.cut();
  expect((await failed)[0]).toMatchObject({ code: "ECONNRESET" });
  await waitFor(() => proxy.connections === 0, within);
  const second = connect(proxy.port, "127.0.0.1");
  second.write("again");
  expect(String((await once(second, "data"))[0])).toBe("again");
  second.destroy();
});

echo("a cut in the middle of an end leaves no socket", async ({ line }) => {
  const { proxy, client } = line;
  // Its ring is seen right after what came before it, in the same turn of the loop.
  const bell = createServer((socket) => socket.on("data", () => proxy.cut()));
  bell.listen(0, "127.0.0.1");
  await once(bell, "listening");
  const rope = connect((bell.address() as AddressInfo).port, "127.0.0.1");
  await once(rope, "connect");
  for (let round = 0; round < 10; round++) {
    const ending = connect(proxy.port, "127.0.0.1");
    ending.write("here");
    await once(ending, "data");
    ending.destroy();
    rope.write("now");
    await waitFor(() => proxy.connections === 0, { what: "it to be gone" });
  }
  rope.destroy();
  bell.close();
  client.destroy();
  await expectNoLeak({ servers: 2 });
});

echo("a stall delays bytes and loses none", async ({ line }) => {
  const { proxy, client, got } = line;
  proxy.stall();
  client.write("one ");
  await expect(waitFor(() => got() !== "", { ...within, timeoutMs: 60 })).rejects.toThrow();
  proxy.resume();
  client.write("two");
  await waitFor((seen) => seen(got()) === "one two", within);
});

echo(
  "a black hole swallows bytes for good, and new connections pass after it",
  async ({ line }) => {
    const { proxy, client, got } = line;
    proxy.blackhole();
    client.write("lost");
    await expect(waitFor(() => got() !== "", { ...within, timeoutMs: 60 })).rejects.toThrow();
    proxy.resume();
    client.write("lost too");
    const second = connect(proxy.port, "127.0.0.1");
    second.write("heard");
    expect(String((await once(second, "data"))[0])).toBe("heard");
    expect(got()).toBe("");
    second.destroy();
  },
);

echo("a dribble is as slow as it is told", async ({ line }) => {
  const { proxy, client, got } = line;
  proxy.dribble(1_000);
  const start = performance.now();
  client.write("x".repeat(100));
  await waitFor((seen) => seen(got()).length === 100, within);
  // 100 bytes there and back again: 200 ms, of which the last slice counts twice.
  expect(performance.now() - start).toBeGreaterThan(90);
});

test("AMQP passes through the proxy", async ({ vhost, proxy }) => {
  const client = await openClient(proxy.url(vhost.url));
  await client.channel.assertQueue("q");
  expect(await client.publish("", "q", "through")).toEqual({ routed: true });
  proxy.cut();
  await waitFor(() => !client.isOpen, { what: "the client to see the cut" });
  expect((await vhost.get("q"))?.body).toBe("through");
});
