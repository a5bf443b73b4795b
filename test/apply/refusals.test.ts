import { openManagement } from "../support/management.ts";
import { startRunner } from "../support/runner.ts";
import { expect, test } from "../support/test.ts";

const topology = `
exchanges: { x: { type: topic } }
queues:
  allowed: { bind: { x: "#" }, handler: none, deadLetter: none }
  secret: { bind: { x: "#" }, handler: none, deadLetter: none }
`;

test("what a user may not declare is named with the broker's refusal, and start stops", async ({
  vhost,
}) => {
  const management = openManagement(vhost.managementUrl);
  const user = vhost.vhost;
  await management.put(`users/${user}`, { password: "pw", tags: "" });
  await management.put(`permissions/${vhost.vhost}/${user}`, {
    configure: "^(x|allowed|warren[.].*)$",
    write: ".*",
    read: ".*",
  });
  const url = Object.assign(new URL(vhost.url), { username: user, password: "pw" }).href;
  await expect(startRunner({ url, topology })).rejects.toMatchObject({
    code: "broker-refused",
    message: expect.stringMatching(
      /! queue {5}secret {2}refused[\s\S]*403 access to queue|configure access/,
    ),
  });
  await management.remove(`users/${user}`);
});

test("what a user may not publish is refused as such, and the others go on", async ({ vhost }) => {
  const management = openManagement(vhost.managementUrl);
  const user = vhost.vhost;
  await management.put(`users/${user}`, { password: "pw", tags: "" });
  // Binding needs write on the queue alone; publishing needs it on the exchange.
  await management.put(`permissions/${vhost.vhost}/${user}`, {
    configure: ".*",
    write: "^(open|q|warren[.].*|amq.default)$",
    read: ".*",
  });
  const url = Object.assign(new URL(vhost.url), { username: user, password: "pw" }).href;
  const warren = await startRunner({
    url,
    topology: `
exchanges: { open: { type: fanout }, shut: { type: fanout } }
queues: { q: { bind: [open, shut], handler: none, deadLetter: none } }
`,
  });
  const send = (exchange: string) => warren.post("/publish", { exchange, message: {} });
  const answers = await Promise.all(["shut", "open", "shut", "open", "shut"].map(send));
  const again = [await send("shut"), await send("open")];
  await warren.stop();
  await management.remove(`users/${user}`);
  expect(answers.map(({ status }) => status)).toEqual([503, 202, 503, 202, 503]);
  expect(again.map(({ status }) => status)).toEqual([503, 202]);
  expect(answers[0]?.body).toMatchObject({ code: "access-refused" });
  await vhost.waitForCounts("q", { ready: 3 });
});

test("start without an external object stops and names it", async ({ vhost }) => {
  const external = topology.replace("type: topic", "type: topic, external: true");
  await expect(startRunner({ url: vhost.url, topology: external })).rejects.toMatchObject({
    code: "missing-object",
    message: expect.stringMatching(/! exchange {2}x .*\n.*external, so it has to be there already/),
  });
  expect(await vhost.queueCounts("allowed")).toBeUndefined();
});
