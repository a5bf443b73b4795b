import { startNode } from "../../support/node.ts";
import { startRunner } from "../../support/runner.ts";
import { expect, test } from "../../support/test.ts";
import { waitFor } from "../../support/wait-for.ts";
import { gate } from "../jobs.ts";
import { untilReady } from "../running.ts";

const types = ["quorum", "classic"];

/** A queue whose messages are sent ahead, and one that keeps its order. */
const topology = `
defaults: { retry: [200ms], deadLetter: dead }
exchanges:
  jobs: { type: topic }
  dead: { type: topic }
queues:
${types
  .map(
    (
      type,
    ) => `  ${type}: { type: ${type}, bind: { jobs: ${type} }, handler: work, concurrency: 1, prefetch: 5 }
  ${type}_line: { type: ${type}, bind: { jobs: ${type}.line }, handler: work, ordered: true }
`,
  )
  .join("")}  dead_letters: { bind: { dead: "#" }, handler: none, deadLetter: none }
`;

test("a broker that waits shorter than it was said to costs a second run, and no message", async () => {
  const node = await startNode();
  try {
    // By default it looks once a minute.
    const numbers = { consumer_timeout: 5_000, channel_tick_interval: 1_000 };
    const set = Object.entries(numbers).map(
      ([key, ms]) => `application:set_env(rabbit,${key},${ms})`,
    );
    await node.ctl("eval", `${set.join(",")}.`);
    const runs: string[] = [];
    const { opened, open } = gate();
    const warren = await startRunner({
      url: node.amqpUrl,
      topology,
      handlers: {
        work: async ({ id }: { id: number }, { message, attempt }) => {
          runs.push(`${message.queue} ${id} ${attempt}`);
          if (id === 0) await opened;
        },
      },
    });
    const keys = types.flatMap((type) => [type, `${type}.line`]);
    for (const key of keys) {
      for (let id = 0; id < 3; id++) {
        const { status } = await warren.post("/publish", {
          exchange: "jobs",
          routing_key: key,
          message: { id },
        });
        expect(status).toBe(202);
      }
    }
    // From 4.3 on the broker does this to quorum queues alone.
    const isBack = (queue: string) =>
      warren.log.some((line) => line.message === "consuming again" && line.queue === queue);
    await waitFor(() => isBack("quorum") && isBack("quorum_line"), {
      what: "the consumers to be back",
    });
    expect(runs).toHaveLength(keys.length);
    open();
    const queues = keys.map((key) => key.replace(".", "_"));
    await waitFor(() => queues.every((queue) => runs.includes(`${queue} 2 1`)), {
      what: "all messages",
    });
    await untilReady(warren);
    expect(await warren.stop()).toBe(true);
    for (const queue of queues) {
      const own = runs.filter((run) => run.startsWith(`${queue} `));
      const expected = [0, 1, 2].map((id) => `${queue} ${id} 1`);
      const isRepeated = queue.startsWith("quorum") || own.length > 3;
      // In a classic queue the copy that counts the delivery goes behind those that nobody had seen.
      const again = queue === "classic" ? [...expected, expected[0]] : [expected[0], ...expected];
      expect(own).toEqual(isRepeated ? again : expected);
    }
    const full = async () => {
      const listed = await node.ctl("list_queues", "--silent", "messages", "name");
      return listed.split("\n").filter((line) => !line.startsWith("0\t"));
    };
    // What a quorum queue holds is listed some seconds late.
    await waitFor(async () => (await full()).length === 1, { what: "empty queues" });
    // The state of the topology is one message, always.
    expect(await full()).toEqual(["1\twarren.test.state"]);
  } finally {
    await node.stop();
  }
});
