import { inject } from "vitest";
import { connectBroker, isLoss, isSilence } from "../src/connect.ts";
import { breakRules } from "./support/protocol.ts";
import { startProxy } from "./support/proxy.ts";
import { expect, test } from "./support/test.ts";
import { waitFor } from "./support/wait-for.ts";

const optionsFor = (url: string) => ({
  addresses: [{ url, shown: "amqp://shown" }],
  heartbeatMs: 10_000,
  name: "test",
});

async function failureOf(attempt: Promise<unknown>): Promise<{ error: Error; ms: number }> {
  const began = performance.now();
  const error = await attempt.then(
    () => new Error("it connected"),
    (reason) => reason as Error,
  );
  return { error, ms: performance.now() - began };
}

test("a handshake that says nothing, or a byte a second, is given up at its deadline", async ({
  vhost,
  proxy,
}) => {
  const slow = await startProxy(Number(new URL(vhost.url).port || 5672));
  proxy.stall();
  slow.dribble(1);
  const attempts = [proxy, slow].map(({ url }) => connectBroker(optionsFor(url(vhost.url))));
  for (const { error, ms } of await Promise.all(attempts.map(failureOf))) {
    expect(error).toMatchObject({
      code: "connection-failed",
      message: "no connection to amqp://shown: no handshake within 10000 ms",
    });
    expect(isSilence(error)).toBe(true);
    expect(ms).toBeGreaterThan(9_900);
    expect(ms).toBeLessThan(15_000);
  }
  await waitFor((seen) => seen(proxy.connections + slow.connections) === 0, {
    what: "both sockets to be gone",
  });
  await slow.close();
});

test("an attempt ends at once when nobody wants it any more", async ({ vhost, proxy }) => {
  proxy.stall();
  const given = new AbortController();
  const attempt = failureOf(
    connectBroker({ ...optionsFor(proxy.url(vhost.url)), signal: given.signal }),
  );
  await waitFor(() => proxy.connections === 1, { what: "the attempt to be under way" });
  given.abort();
  const { error, ms } = await attempt;
  expect(error).toMatchObject({ code: "connection-failed" });
  // The deadline is ten seconds.
  expect(ms).toBeLessThan(5_000);
  const late = connectBroker({ ...optionsFor(proxy.url(vhost.url)), signal: given.signal });
  expect((await failureOf(late)).ms).toBeLessThan(5_000);
});

test("an absent broker is silent, one that refuses has answered, and both are told apart", async ({
  vhost,
}) => {
  const wrong = Object.assign(new URL(vhost.url), { password: "wrong" }).href;
  const absent = Object.assign(new URL(vhost.url), { pathname: "/no-such-vhost" }).href;
  const nobody = "amqp://127.0.0.1:1";
  // The embedded broker makes a vhost for the first who asks for it.
  const hasVhosts = inject("broker").kind === "rabbitmq";
  const cases = [
    [nobody, "connection-failed", true],
    [wrong, "access-refused", false],
    ...(hasVhosts ? [[absent, "access-refused", false] as const] : []),
  ] as const;
  for (const [url, code, silence] of cases) {
    const { error } = await failureOf(connectBroker(optionsFor(url)));
    expect({ error, silence: isSilence(error) }).toMatchObject({ error: { code }, silence });
    expect(error.message).not.toContain("wrong");
  }
  const addresses = [nobody, wrong].map((url) => ({ url, shown: "amqp://shown" }));
  const { error } = await failureOf(connectBroker({ ...optionsFor(nobody), addresses }));
  expect(error).toMatchObject({ code: "access-refused" });
});

test("the next address is taken when the first is absent", async ({ vhost }) => {
  const addresses = ["amqp://127.0.0.1:1", vhost.url].map((url) => ({ url, shown: url }));
  const connection = await connectBroker({ ...optionsFor(vhost.url), addresses });
  expect(connection.address).toBe(addresses[1]);
  await connection.close();
});

test("a connection is lost by a cut or an operator, and ended for what went over it", async ({
  vhost,
  proxy,
}) => {
  const cut = await connectBroker(optionsFor(proxy.url(vhost.url)));
  proxy.cut();
  expect(isLoss(await cut.ended)).toBe(true);

  const given = await connectBroker(optionsFor(vhost.url));
  given.destroy("no use");
  expect(isLoss(await given.ended)).toBe(true);

  const guilty = await connectBroker(optionsFor(vhost.url));
  breakRules(await guilty.createChannel());
  const reason = await guilty.ended;
  expect(reason.message).toContain("540");
  expect(isLoss(reason)).toBe(false);
});
