import { expect } from "vitest";
import { runChaos } from "../chaos/chaos.ts";
import { shortForm } from "../chaos/forms.ts";
import { test } from "./support/test.ts";

/** Another one each time; WARREN_CHAOS_SEED repeats one. */
const seed = Number(process.env.WARREN_CHAOS_SEED ?? Math.floor(Math.random() * 1_000_000));

test("through half a minute of faults nothing accepted is lost, and nothing else goes wrong", async () => {
  const notes: string[] = [];
  const { isPass, text } = await runChaos({ ...shortForm(seed), note: (line) => notes.push(line) });
  console.log(text);
  if (!isPass) console.error(notes.join("\n"));
  expect(isPass).toBe(true);
}, 400_000);
