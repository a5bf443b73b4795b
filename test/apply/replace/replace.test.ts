import { replaceQueue } from "../../../src/apply/replace/replace.ts";
import { expect, test } from "../../support/test.ts";
import { openReplacing, PAIRS } from "./replacing.ts";

test.for(Object.entries(PAIRS))(
  "%s: the queue has its new arguments, its messages and its bindings",
  async ([, [from, to]], { vhost, client }) => {
    const { channel } = client;
    await channel.assertQueue("q", { durable: true, arguments: from });
    await channel.assertExchange("jobs", "topic", { durable: true });
    await channel.bindQueue("q", "jobs", "job.#");
    await channel.bindQueue("q", "jobs", "task");
    const sent = Array.from({ length: 300 }, (_, index) => `m${index}`);
    await Promise.all(sent.map((body) => client.publish("jobs", "job.one", body)));
    const replacing = await openReplacing(vhost);
    const report = await replaceQueue(replacing.context, { queue: "q", from, to, bindings: [] });
    console.log(JSON.stringify(report), JSON.stringify(replacing.journals.at(0)));
    await replacing.close();
    const { messages } = await client.consume("q");
    await vhost.waitForCounts("q", { ready: 0 });
    expect(messages.map(({ body }) => body)).toEqual(sent);
    console.log(JSON.stringify(messages[0]));
  },
);
