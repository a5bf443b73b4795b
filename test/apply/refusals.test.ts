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
    configure: "^(x|allowed)$",
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

test("start without an external object stops and names it", async ({ vhost }) => {
  const external = topology.replace("type: topic", "type: topic, external: true");
  await expect(startRunner({ url: vhost.url, topology: external })).rejects.toMatchObject({
    code: "missing-object",
    message: expect.stringContaining("! exchange  x  missing"),
  });
  expect(await vhost.queueCounts("allowed")).toBeUndefined();
});
