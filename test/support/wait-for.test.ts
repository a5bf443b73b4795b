import { expect, test } from "vitest";
import { waitFor } from "./wait-for.ts";

test("a wait that fails says for what, how long, and what was seen last", async () => {
  let counter = 0;
  const wait = waitFor((seen) => seen({ counter: ++counter }).counter > 1_000, {
    timeoutMs: 30,
    everyMs: 20,
    what: "the counter to pass 1000",
  });
  await expect(wait).rejects.toThrow(
    /^waited 30 ms for the counter to pass 1000; last seen: \{ counter: [23] \}$/,
  );
});

test("a wait gives the value that ended it, after conditions that threw", async () => {
  let tries = 0;
  const value = await waitFor(
    () => {
      if (++tries < 3) throw new Error("not yet");
      return tries;
    },
    { everyMs: 1, what: "the third try" },
  );
  expect(value).toBe(3);
});
