/** Tests of which a broker in memory could say nothing; a machine without RabbitMQ leaves them out. */
export const NEEDS_RABBITMQ: Readonly<Record<string, string>> = {
  "test/apply/inspect/plugins.test.ts": "a plugin's exchange type, and a fault of RabbitMQ's",
  "test/apply/plan/plugins.test.ts": "plugins of a node",
  "test/apply/replace/policies.test.ts": "policies, which the embedded broker has none of",
  "test/apply/change/policies.test.ts": "policies, which the embedded broker has none of",
  "test/chaos.test.ts": "kills and freezes a node",
  "test/commands/drain-faults.test.ts": "freezes a node, and raises its alarms",
  "test/conformance/**/*.test.ts": "compares the embedded broker with RabbitMQ",
  "test/http/outages.test.ts": "stops and freezes a node",
  "test/loader/policies.test.ts": "sets policies",
  "test/runtime/ack-timeout.test.ts": "a node's consumer_timeout",
  "test/runtime/broker.test.ts": "kills a node under load",
  "test/runtime/network-disk.test.ts": "fills a node's disk",
  "test/runtime/network-node.test.ts": "freezes a node, and raises its alarms",
  "test/runtime/network-process.test.ts": "limits of RabbitMQ's users",
  "test/runtime/supervisor.test.ts": "limits of RabbitMQ's users",
  "test/support/node.test.ts": "a private node",
};
