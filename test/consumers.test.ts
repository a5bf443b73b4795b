import { runTrial } from "../chaos/consumers/trial.ts";
import { expect, test } from "./support/test.ts";

/** Another one each time; WARREN_CHAOS_SEED repeats one. */
const seed = Number(process.env.WARREN_CHAOS_SEED ?? Math.floor(Math.random() * 1_000_000));

test("messages that throw, hang and end their thread end as they have to, and none of the others is run twice", async () => {
  const notes: string[] = [];
  const { isPass, text } = await runTrial({
    seed,
    messages: 1_500,
    types: ["classic", "quorum"],
    blockSeconds: 2,
    note: (line) => notes.push(line),
  });
  console.log(text);
  if (!isPass) console.error(notes.join("\n"));
  expect(isPass).toBe(true);
}, 400_000);
