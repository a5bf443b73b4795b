/** Clients that send too much, or too little: what they cost, and that nobody else notices. */
import { afterAll, beforeAll } from "vitest";
import {
  body,
  channelOpen,
  frame,
  header,
  method,
  openWire,
  short,
  u8,
  u16,
} from "../conformance/wire.ts";
import { createRandom } from "../support/random.ts";
import { expect, test as plain } from "../support/test.ts";
import { waitFor } from "../support/wait-for.ts";
import { ANSWERED, FATAL, TAKEN, TOO_LARGE } from "./bad-inputs.ts";
import { type BrokerProcess, startBrokerProcess } from "./broker-process.ts";
import { startBystander } from "./bystander.ts";
import { end, flood, openSocket } from "./sockets.ts";

const MIB = 1024 * 1024;

let broker: BrokerProcess;
beforeAll(async () => {
  broker = await startBrokerProcess();
});
afterAll(() => broker.stop());

/** Every test has a bystander, who has to be served throughout. */
const test = plain.extend<{ readonly bystander: undefined }>({
  bystander: [
    // biome-ignore lint/correctness/noEmptyPattern: vitest reads there what a fixture needs
    async ({}, use) => {
      const bystander = await startBystander(broker.url);
      await use(undefined);
      const { rounds, slowestMs } = await bystander.stop();
      expect(rounds).toBeGreaterThan(0);
      expect(slowestMs).toBeLessThan(5_000);
    },
    { auto: true },
  ],
});

/** How much more memory the broker had at most while this ran than ever before, in MiB. */
async function costOf(use: () => Promise<void>): Promise<number> {
  const before = await broker.measure();
  await use();
  const after = await broker.measure();
  return (after.peakBytes - before.peakBytes) / MIB;
}

const publish = method(1, [60, 40], u16(0), short(""), short("nobody"), u8(0));

test("a million channels that are opened cost no more than the first", async () => {
  const cost = await costOf(async () => {
    const socket = await openSocket(broker.port);
    await flood(socket, channelOpen(2), 1_000_000);
    await end(socket);
  });
  expect(cost).toBeLessThan(100);
});

test("a million channels of all numbers cost no more than those that were negotiated", async () => {
  const all = Buffer.concat(Array.from({ length: 65_534 }, (_, at) => channelOpen(at + 2)));
  const cost = await costOf(async () => {
    const socket = await openSocket(broker.port);
    await flood(socket, all, 16);
    await end(socket);
  });
  expect(cost).toBeLessThan(100);
});

test("what is only announced takes no memory", async () => {
  const numbers = Array.from({ length: 2_000 }, (_, at) => at + 2);
  const announce = (channel: number) => [
    channelOpen(channel),
    method(channel, [60, 40], u16(0), short(""), short("nobody"), u8(0)),
    header(channel, 16 * MIB),
    body(channel, "a"),
  ];
  const cost = await costOf(async () => {
    const socket = await openSocket(broker.port);
    await flood(socket, Buffer.concat(numbers.flatMap(announce)), 1);
    await broker.measure();
    await end(socket);
  });
  expect(cost).toBeLessThan(100);
});

test("a message in a million pieces takes no more than itself", async () => {
  const cost = await costOf(async () => {
    const socket = await openSocket(broker.port);
    socket.write(Buffer.concat([publish, header(1, MIB)]));
    await flood(socket, frame(3, 1), 1_000_000);
    await flood(socket, frame(3, 1, u8(7)), MIB);
    await end(socket);
  });
  expect(cost).toBeLessThan(100);
});

test("a message that is too large is not kept while it comes", async () => {
  const cost = await costOf(async () => {
    const socket = await openSocket(broker.port);
    socket.write(Buffer.concat([publish, header(1, 500 * MIB)]));
    await flood(socket, frame(3, 1, Buffer.alloc(131_064)), 4_000);
    await end(socket);
  });
  expect(cost).toBeLessThan(100);
});

test("what is sent after the end is not kept", async () => {
  const broken = Buffer.concat([u8(1), u16(1), Buffer.alloc(4, 255)]);
  const cost = await costOf(async () => {
    const socket = await openSocket(broker.port);
    socket.write(broken);
    await flood(socket, Buffer.alloc(MIB, 1), 200);
    await end(socket);
  });
  expect(cost).toBeLessThan(100);
});

test("a queue whose arguments are nested without end is listed like any other", async () => {
  const [, declare] = Object.entries(TAKEN).find(([name]) => name.startsWith("a table in")) ?? [];
  const wire = await openWire(`${broker.url}/%2F`);
  wire.send(...(declare ?? []));
  await wire.until(/^1 50\.11$/);
  const { status } = await fetch(`${broker.managementUrl.replace("guest:guest@", "")}/api/queues`, {
    headers: { authorization: `Basic ${Buffer.from("guest:guest").toString("base64")}` },
  });
  wire.close();
  expect(status).toBe(200);
});

test("whatever is heard, in pieces of any size, the broker goes on", async () => {
  const inputs = Object.values({ ...ANSWERED, ...TOO_LARGE, ...TAKEN, ...FATAL }).map((frames) =>
    Buffer.concat([...frames]),
  );
  const random = createRandom(7);
  for (let round = 0; round < 40; round++) {
    const sockets = await Promise.all(random.list(25, () => openSocket(broker.port)));
    for (const socket of sockets) {
      for (const input of random.list(3, () => garble(random, random.pick(inputs)))) {
        const at = random.below(input.length);
        socket.write(input.subarray(0, at));
        socket.write(input.subarray(at));
      }
    }
    await Promise.all(sockets.map(end));
  }
  await waitFor(async (seen) => seen(await broker.measure()).sockets <= 2, {
    what: "all that is gone to be gone",
  });
});

/** Half of them as they are, and the others with some bytes changed. */
function garble(random: ReturnType<typeof createRandom>, input: Buffer): Buffer {
  const garbled = Buffer.from(input);
  if (random.below(2) === 0) return garbled;
  for (let times = random.below(4) + 1; times > 0; times--) {
    garbled[random.below(garbled.length)] = random.below(256);
  }
  return garbled;
}
