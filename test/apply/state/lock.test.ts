import { takeLock } from "../../../src/apply/state/lock.ts";
import { expect, test } from "../../support/test.ts";
import { openConnection } from "./connection.ts";

const options = { holder: "somebody@here", timeoutMs: 0 };

test("one connection has the lock, and every other is told so", async ({ vhost }) => {
  const [holder, other] = [await openConnection(vhost.url), await openConnection(vhost.url)];
  await takeLock(holder, "shop", options);
  await expect(takeLock(other, "shop", options)).rejects.toMatchObject({
    code: "lock-held",
    message: '"warren.shop.lock" is held by another connection, waited for 0 ms',
  });
  const askHolder = async () => "ci@runner-3, since 12:00";
  await expect(takeLock(other, "shop", { ...options, askHolder })).rejects.toMatchObject({
    message: '"warren.shop.lock" is held by ci@runner-3, since 12:00, waited for 0 ms',
  });
  await takeLock(other, "another", options);
  await holder.close();
  await other.close();
});

test("who waits gets the lock when its holder's connection ends", async ({ vhost }) => {
  const [holder, other] = [await openConnection(vhost.url), await openConnection(vhost.url)];
  await takeLock(holder, "shop", options);
  const waiting = takeLock(other, "shop", { ...options, timeoutMs: 10_000 });
  holder.destroy("gone without a word");
  const beganAt = performance.now();
  await waiting;
  expect(performance.now() - beganAt).toBeLessThan(1_000);
  await other.close();
});

test("waiting ends with its signal", async ({ vhost }) => {
  const [holder, other] = [await openConnection(vhost.url), await openConnection(vhost.url)];
  await takeLock(holder, "shop", options);
  const given = new AbortController();
  const waiting = takeLock(other, "shop", { ...options, timeoutMs: 60_000, signal: given.signal });
  given.abort();
  await expect(waiting).rejects.toThrow(/aborted/);
  await holder.close();
  await other.close();
});

test("of ten that want it at once each has it once, and never two at a time", async ({ vhost }) => {
  let holders = 0;
  let most = 0;
  const hold = async () => {
    const connection = await openConnection(vhost.url);
    await takeLock(connection, "shop", { ...options, timeoutMs: 30_000 });
    holders++;
    most = Math.max(most, holders);
    await new Promise((resolve) => setImmediate(resolve));
    holders--;
    await connection.close();
  };
  await Promise.all(Array.from({ length: 10 }, hold));
  expect({ holders, most }).toEqual({ holders: 0, most: 1 });
});

test("a holder that has frozen loses it within three heartbeats", async ({ vhost, proxy }) => {
  const holder = await openConnection(proxy.url(vhost.url), 1_000);
  const other = await openConnection(vhost.url);
  await takeLock(holder, "shop", options);
  proxy.blackhole();
  const beganAt = performance.now();
  await takeLock(other, "shop", { ...options, timeoutMs: 60_000 });
  expect(performance.now() - beganAt).toBeLessThan(4_000);
  await other.close();
  proxy.resume();
  holder.destroy("over");
});

test("a user who may not declare the lock is told so", async ({ user }) => {
  await user.allow({ configure: "^x$" });
  const connection = await openConnection(user.url);
  await expect(takeLock(connection, "shop", options)).rejects.toMatchObject({
    code: "access-refused",
    message: expect.stringMatching(/no lock "warren.shop.lock": 403 .*refused for user/),
  });
  await connection.close();
});
