/** What happens to the runners' processes. */
import { setTimeout as sleep } from "node:timers/promises";
import { type Fault, HEARTBEAT_MS } from "./fault.ts";
import { skewedClock } from "./workspace.ts";

const orderly = { lane: "process", losesConnections: false, isOutage: false } as const;
const violent = { lane: "process", losesConnections: true, isOutage: true } as const;

export const processFaults: readonly Fault[] = [
  {
    ...orderly,
    name: "SIGTERM",
    // As a rolling update does it: the new one is ready before the old one goes.
    run: async ({ fleet }) => {
      const old = await fleet.any();
      await fleet.start();
      await fleet.end(old, "SIGTERM");
      return undefined;
    },
  },
  {
    ...violent,
    name: "SIGKILL",
    run: async ({ fleet }) => {
      await fleet.end(await fleet.any(), "SIGKILL");
      return () => fleet.start();
    },
  },
  {
    ...violent,
    name: "SIGSTOP",
    run: async ({ fleet }) => {
      const { process } = await fleet.any();
      process.kill("SIGSTOP");
      await sleep(3 * HEARTBEAT_MS);
      process.kill("SIGCONT");
      return undefined;
    },
  },
  {
    ...orderly,
    name: "JOIN",
    run: async ({ fleet }) => {
      const second = await fleet.start("start");
      await sleep(3_000);
      await fleet.end(second, "SIGTERM");
      return undefined;
    },
  },
  {
    ...orderly,
    name: "SKEW",
    run: async ({ fleet }) => {
      const skewed = await fleet.start("start", skewedClock(3_600_000));
      await sleep(5_000);
      await fleet.end(skewed, "SIGTERM");
      return undefined;
    },
  },
];
