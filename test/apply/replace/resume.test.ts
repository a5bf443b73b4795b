import {
  type Journal,
  migratingQueue,
  NOTHING_MOVED,
  type Phase,
} from "../../../src/apply/replace/journal.ts";
import { resumeReplace } from "../../../src/apply/replace/replace.ts";
import { temporaryArguments } from "../../../src/apply/replace/temporary.ts";
import { toFieldTable } from "../../../src/apply/wire.ts";
import type { Client } from "../../support/client.ts";
import { expect, test } from "../../support/test.ts";
import { CLASSIC, describeQueue, leftovers, openReplacing, PAIRS } from "./replacing.ts";

const LIMITED = { ...CLASSIC, "x-message-ttl": 3_600_000 };
const [FROM, TO] = [CLASSIC, LIMITED];
const BINDINGS = [
  { source: "jobs", key: "one", arguments: {} },
  { source: "jobs", key: "two", arguments: {} },
];

function journalOf(queue: string, phase: Phase): Journal {
  const startedAt = new Date().toISOString();
  return { queue, phase, from: FROM, to: TO, bindings: BINDINGS, startedAt, counts: NOTHING_MOVED };
}

/** As a process that was killed may have left it. */
type Left = {
  readonly queue: "old" | "new" | "absent";
  readonly hasTemporary: boolean;
  readonly hasExchange: boolean;
};

/** Puts a message into each queue; @returns them. */
async function leave(client: Client, name: string, left: Left): Promise<readonly string[]> {
  const { channel } = client;
  const temporary = migratingQueue(name);
  const messages: string[] = [];
  const declare = async (queue: string, args: object, key: string) => {
    await channel.assertQueue(queue, { durable: true, arguments: args });
    // A crash between a bind and an unbind leaves it on both; elsewhere it is on one.
    await channel.bindQueue(queue, "jobs", key);
    await client.publish("", queue, `in ${queue}`);
    messages.push(`in ${queue}`);
  };
  if (left.queue !== "absent") await declare(name, left.queue === "old" ? FROM : TO, "one");
  if (left.hasTemporary)
    await declare(temporary, toFieldTable(temporaryArguments(FROM, TO)), "two");
  if (left.hasExchange) await channel.assertExchange(temporary, "fanout");
  return messages;
}

const COMBINATIONS = (["old", "new", "absent"] as const).flatMap((queue) =>
  [true, false].flatMap((hasTemporary) =>
    (["draining", "replacing", "refilling"] as const).map((phase, index) => ({
      queue,
      hasTemporary,
      hasExchange: hasTemporary || index === 0,
      phase,
    })),
  ),
);

test("from any phase, and whichever queues there are, it goes on to the same end", async ({
  vhost,
  client,
}) => {
  await client.channel.assertExchange("jobs", "topic");
  const results = await Promise.all(
    COMBINATIONS.map(async ({ phase, ...left }, index) => {
      const name = `q${index}`;
      const messages = await leave(client, name, left);
      const replacing = await openReplacing(vhost);
      const report = await resumeReplace(replacing.context, journalOf(name, phase));
      await replacing.close();
      return {
        messages: (await vhost.peek(name)).map(({ body }) => body).sort(),
        wanted: [...messages].sort(),
        journal: replacing.journals.at(-1),
        resumed: report.counts.resumed,
        ...(await describeQueue(vhost, name)),
      };
    }),
  );
  for (const { wanted, ...result } of results) {
    expect(result).toEqual({
      messages: wanted,
      journal: null,
      resumed: 1,
      arguments: TO,
      bindings: [
        ["jobs", "one", {}],
        ["jobs", "two", {}],
      ],
    });
  }
  expect(await leftovers(vhost)).toEqual([]);
});

test("arguments that no broker compares are compared in the listing, and replaced all the same", async ({
  vhost,
  client,
}) => {
  const from = { ...CLASSIC, "x-team": "billing" };
  await client.channel.assertQueue("q", { arguments: from });
  await client.publish("", "q", "m");
  const replacing = await openReplacing(vhost);
  await resumeReplace(replacing.context, { ...journalOf("q", "draining"), from, to: CLASSIC });
  await replacing.close();
  expect((await describeQueue(vhost, "q")).arguments).toEqual(CLASSIC);
  expect((await vhost.peek("q")).map(({ body }) => body)).toEqual(["m"]);
});

test("a queue that somebody declares anew as it was is drained once more", async ({
  vhost,
  client,
}) => {
  const [from, to] = PAIRS.q2c ?? [{}, {}];
  await client.channel.assertExchange("jobs", "topic");
  await client.channel.assertQueue("q", { arguments: from });
  await client.publish("", "q", "first");
  let isAgain = false;
  const replacing = await openReplacing(vhost, {
    onProgress: ({ step }) => {
      if (step !== 6 || isAgain) return;
      isAgain = true;
      // In the gap between the two.
      void (async () => {
        while ((await vhost.queueCounts("q")) !== undefined);
        await client.channel.assertQueue("q", { arguments: from });
        await client.publish("", "q", "second");
      })();
    },
  });
  await resumeReplace(replacing.context, { ...journalOf("q", "draining"), from, to, bindings: [] });
  await replacing.close();
  expect((await describeQueue(vhost, "q")).arguments).toEqual(to);
  expect((await vhost.peek("q")).map(({ body }) => body).sort()).toEqual(["first", "second"]);
});
