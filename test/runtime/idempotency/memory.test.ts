import { expect, test } from "vitest";
import { MemoryStore } from "../../../src/runtime/idempotency/memory.ts";

const LEASE_MS = 60_000;

test("of more messages than it may remember, those handled longest ago are forgotten first", async () => {
  const store = new MemoryStore({ messages: 3, bytes: 1_000 });
  for (const key of ["a", "b", "c", "a", "d"]) await store.finish(key, "me", LEASE_MS);
  const taken = await Promise.all(["a", "b", "c", "d"].map((key) => store.take(key, "me", 1)));
  expect(taken).toEqual(["done", "ours", "done", "done"]);
});

test("of more bytes of keys than it may remember, likewise", async () => {
  const store = new MemoryStore({ messages: 100, bytes: 8 });
  for (const key of ["aaaa", "b", "cccc"]) await store.finish(key, "me", LEASE_MS);
  const taken = await Promise.all(["aaaa", "b", "cccc"].map((key) => store.take(key, "me", 1)));
  expect(taken).toEqual(["ours", "done", "done"]);
});

test("a lease is never forgotten for what was handled", async () => {
  const store = new MemoryStore({ messages: 1, bytes: 1_000 });
  await store.take("running", "me", LEASE_MS);
  for (const key of ["a", "b", "c"]) await store.finish(key, "me", LEASE_MS);
  expect(await store.take("running", "another", LEASE_MS)).toBe("held");
});
