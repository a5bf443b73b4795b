import { tellStory } from "../../../chaos/replace/story.ts";
import { expect, test } from "../../support/test.ts";
import { leftovers } from "./replacing.ts";

test("killed after each of its steps, with a publisher and a consumer, a replacement loses nothing and leaves nothing", async ({
  vhost,
}) => {
  const notes: string[] = [];
  const account = await tellStory({
    vhost,
    pair: "c2q",
    messages: 2_000,
    rate: 100,
    kills: "steps",
    note: (text) => notes.push(text),
  });
  if (account.lost.length > 0) console.error([...notes, JSON.stringify(account)].join("\n"));
  expect(account).toMatchObject({ lost: [], failed: [], pending: "" });
  const said =
    /^-\/\+ queue +work +replaced: gone on with: \d+ messages? moved, at most (\d+) of them twice$/;
  expect(account.said).toMatch(said);
  // And those of the moments in which a binding is on both queues: a few at this rate.
  const most = Number(said.exec(account.said)?.[1]) + 20;
  expect(account.duplicates).toBeLessThanOrEqual(most);
  expect(await leftovers(vhost)).toEqual([]);
});
