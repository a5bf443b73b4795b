import { connectBroker } from "../../../src/connect.ts";
import { Lane } from "../../../src/runtime/publish/lane.ts";
import { Pending } from "../../../src/runtime/publish/pending.ts";
import { ConfirmPublisher, type Outgoing } from "../../../src/runtime/publish/publisher.ts";
import { startProxy } from "../../support/proxy.ts";
import { expect, test } from "../../support/test.ts";
import { waitFor } from "../../support/wait-for.ts";
import { nothing } from "../jobs.ts";

const onMissingExchange = async () => undefined;
const replies = { listen: async () => undefined, lost: () => undefined };

function connect(url: string) {
  return connectBroker({ addresses: [{ url, shown: url }], heartbeatMs: 10_000, name: "test" });
}

function messageOf(body: string, properties: { readonly expirationMs?: number } = {}): Outgoing {
  return {
    exchange: "amq.fanout",
    routingKey: "",
    body: Buffer.from(body),
    properties: {
      messageId: body,
      contentType: null,
      persistent: true,
      headers: {},
      ...properties,
    },
  };
}

test("a refused message is found by sending alone what was in flight with it, and nothing later", async ({
  vhost,
  client,
}) => {
  await client.channel.assertQueue("q");
  await client.channel.bindQueue("q", "amq.fanout", "");
  let sent = "";
  const openTap = () => ({
    fromClient: (chunk: Buffer) => {
      sent += chunk.toString("latin1");
    },
    fromTarget: nothing,
    ended: nothing,
  });
  const proxy = await startProxy(Number(new URL(vhost.url).port || 5672), { openTap });
  const publisher = new ConfirmPublisher({ state: () => "ready", onMissingExchange, replies });
  const first = await connect(proxy.url(vhost.url));
  publisher.connected(first);
  let [confirmed, isOver] = [0, false];
  const outcomes = new Set<string>();
  const publish = async (body: string) => {
    outcomes.add((await publisher.publish(messageOf(body))).status);
    confirmed += 1;
  };
  const loop = async () => {
    while (!isOver) await publish("steady");
  };
  const load = Array.from({ length: 20 }, loop);
  const more = async (count: number) => {
    const before = confirmed;
    await waitFor(() => confirmed >= before + count, { what: "load" });
  };
  await more(20);
  // A time to live below zero, which a caller is never let send.
  const refused = await publisher.publish(messageOf("bad", { expirationMs: -1 }));
  expect(refused).toEqual({ status: "malformed", message: expect.any(String) });
  await more(100);
  // From here on nothing is confirmed, and what is sent can be seen.
  proxy.blackhole();
  const last = Array.from({ length: 50 }, (_, n) => publish(`last-${n}-`));
  const seen = () => new Set(sent.match(/last-\d+-/g)).size;
  await waitFor((look) => look(seen()) === 50, { what: "all of them to be sent" });
  isOver = true;
  publisher.disconnected(new Error("cut"));
  first.destroy("the end");
  const second = await connect(vhost.url);
  publisher.connected(second);
  await Promise.all([...load, ...last]);
  expect(outcomes).toEqual(new Set(["confirmed"]));
  await publisher.stop();
  await second.close();
  await proxy.close();
});

test("a message that meets a channel which this side closes goes over the next one", async ({
  vhost,
}) => {
  const connection = await connect(vhost.url);
  const lane = new Lane({ exchange: "amq.fanout", onMissingExchange, replies: null });
  lane.connected(connection);
  const limits = { withinMs: 10_000, isOver: false };
  const push = (id: number) => {
    const pending = new Pending(id, messageOf("{}"), limits, {
      onSettled: nothing,
      onReleased: nothing,
    });
    lane.push(pending);
    return pending.outcome;
  };
  const unroutable = { status: "unroutable", message: expect.any(String) };
  expect(await push(1)).toEqual(unroutable);
  const closed = lane.channel?.close();
  expect(await push(2)).toEqual(unroutable);
  await closed;
  await connection.close();
});
