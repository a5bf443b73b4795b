/** What networks do to connections. */
import { type Fault, HEARTBEAT_MS, lasting, type World } from "./fault.ts";

const resume = ({ proxy }: World) => proxy.resume();
const outage = { lane: "network", losesConnections: true, isOutage: true } as const;

export const networkFaults: readonly Fault[] = [
  {
    ...outage,
    name: "CUT",
    isOutage: false,
    run: async ({ proxy }) => {
      proxy.cut();
      return undefined;
    },
  },
  { ...outage, name: "STALL", run: lasting(3_000, ({ proxy }) => proxy.stall(), resume) },
  {
    ...outage,
    name: "BLACKHOLE",
    run: lasting(2 * HEARTBEAT_MS, ({ proxy }) => proxy.blackhole(), resume),
  },
  { ...outage, name: "DRIBBLE", run: lasting(3_000, ({ proxy }) => proxy.dribble(20_000), resume) },
];
