/** An embedded broker without a thread, which says what it takes: see `broker-process.ts`. */
import { listen, type ServerOptions } from "../../src/embedded/server.ts";
import type { Measured } from "./broker-process.ts";

const options = JSON.parse(process.argv[2] ?? "{}") as ServerOptions;
process.send?.(await listen(options));
process.on("disconnect", () => process.exit());
process.on("message", () => {
  // Twice, since what the first one finalizes only the second one frees.
  for (let times = 0; times < 2; times++) globalThis.gc?.();
  process.send?.(measure());
});

function measure(): Measured {
  const { heapUsed, external } = process.memoryUsage();
  const active = process.getActiveResourcesInfo();
  const count = (type: string) => active.filter((one) => one === type).length;
  return {
    usedBytes: heapUsed + external,
    peakBytes: process.resourceUsage().maxRSS * 1024,
    sockets: count("TCPSocketWrap"),
    timers: count("Timeout"),
  };
}
