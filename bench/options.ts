import type { Vhost } from "../test/support/vhost.ts";
import { benchOption, type Size } from "./consume.ts";
import type { Measurement } from "./measure.ts";

/** What a queue may say, in the words of the file; those of idempotency are measured beside it. */
const OPTIONS: Readonly<Record<string, string>> = {
  rate: "rate: 1000000/s",
  breaker: "breaker: { failureRate: 0.5, window: 20, pause: 30s }",
  priorities: "maxPriority: 10",
  "consumer-priority": "consumerPriority: 5",
  "single-active": "singleActiveConsumer: true",
  "error-names": "retry: [1s], retryOn: [Busy], rejectOn: [Refused]",
  "on-delivery": "ack: on-delivery",
};

export const optionNames: readonly string[] = Object.keys(OPTIONS);

/** What one of the options costs, against the same queue with all of them off. */
export function benchOptionCost(vhost: Vhost, name: string, size: Size): Promise<Measurement> {
  return benchOption(vhost, `consume-with-${name}`, { keys: `, ${OPTIONS[name]}` }, size);
}
