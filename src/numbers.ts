/**
 * Every limit and deadline in one table; the defaults in schemas/topology.schema.json are these.
 * Names carry the unit.
 */
export const NUMBERS = {
  connectTimeoutMs: 10_000,
  rpcTimeoutMs: 10_000,
  /** Of one listing of the management API: 1,000 queues take 0.3 MB. */
  maxListingBytes: 256 * 1024 * 1024,
  publishDeadlineMs: 10_000,
  maxInFlightMessages: 2_000,
  maxInFlightBytes: 32 * 1024 * 1024,
  reconnectMinMs: 100,
  reconnectMaxMs: 10_000,
  /** Between two attempts to connect where nobody answers. */
  probeMaxMs: 500,
  /** A connection that lived less has not proved that what ended the last one is over. */
  steadyMs: 1_000,
  heartbeatMs: 10_000,
  /** For another apply to end. */
  lockTimeoutMs: 30_000,
  /** In all, while the broker ends the connections of an apply; with pauses that double from this one. */
  applyTries: 5,
  applyPauseMs: 200,
  /** At most, of the connection that holds the lock: one that has frozen keeps it for three. */
  lockHeartbeatMs: 5_000,
  /** A replacement that has got no further for so long gives up: a handler may take its time. */
  replaceStallMs: 120_000,
  handlerTimeoutMs: 30_000,
  /** For the reply to a call. */
  callTimeoutMs: 10_000,
  maxCallTimeoutMs: 5 * 60_000,
  /** That wait for their replies. */
  maxCalls: 10_000,
  /** The broker's, not ours: RabbitMQ's own default. */
  consumerTimeoutMs: 30 * 60_000,
  workerHeapBytes: 512 * 1024 * 1024,
  workerCrashes: 3,
  workerBlockedMs: 5_000,
  /** Of all handlers, when a thread starts. */
  workerLoadMs: 10_000,
  /** How often a handler thread gives a sign of life. */
  workerBeatMs: 50,
  /** For a thread that is blocked to say where. */
  workerAnswerMs: 1_000,
  /** Publishes of handlers that are under way; HTTP has the rest of what may be in flight. */
  maxHandlerPublishes: 1_000,
  /** Of handlers, between two signs of life. */
  maxLogLines: 1_000,
  maxLogBytes: 64 * 1024,
  /** For a handler to let go once its time is over, before its thread is replaced. */
  workerGraceMs: 1_000,
  drainDelayMs: 0,
  drainTimeoutMs: 30_000,
  /** Files are compared so often while they change. */
  reloadCompareMs: 50,
  /** A change counts after so many comparisons in a row that see nothing new. */
  reloadQuietLooks: 2,
  /** And so often when nothing tells of a change. */
  reloadFloorMs: 2_000,
  /** Of a queue that says nothing of retries. */
  retryDelaysMs: [1_000, 5_000, 30_000],
  retryFactor: 2,
  retryMaxMs: 3_600_000,
  concurrency: 20,
  /** What a rate lets the broker send ahead begins within so long; a longer wait is a pause. */
  rateAheadMs: 1_000,
  /** The pause of a breaker doubles with each try that fails, up to so many times what it is at first. */
  breakerMaxPauses: 10,
  /** Node's timers fire at once beyond it. */
  maxTimerMs: 2 ** 31 - 1,
  /** How long a message that was handled is remembered. */
  idempotencyTtlMs: 86_400_000,
  /** Nobody else runs a message for so long after its runner has gone; renewed while that lives. */
  leaseMs: 10_000,
  /** Between two looks at a message that somebody else is running. */
  leaseLookMaxMs: 500,
  /** Of a store to answer; then its connection is ended. */
  storeTimeoutMs: 5_000,
  /** What a runner's memory remembers; the longest forgotten goes first. */
  maxRememberedMessages: 100_000,
  maxRememberedBytes: 32 * 1024 * 1024,
  /** So many acks the broker passes on at once; later ones could be lost when a channel closes. */
  maxOrderedPrefetch: 32,
  maxBodyBytes: 1024 * 1024,
  maxJsonDepth: 64,
  /** In one body, keys not counted: an order of 1,000 books has 4,000. */
  maxJsonValues: 20_000,
  /** Of checking one event, which takes some 50 ns each: what takes more is refused. */
  maxCheckSteps: 300_000,
  /** Of listing all mistakes, which takes longer: in what takes more, the first is named. */
  maxListingSteps: 50_000,
  maxHeaders: 32,
  maxHeaderKeyBytes: 128,
  maxHeaderBytes: 1024,
  /** Of a traceparent, or a tracestate: so much has to be passed on. */
  maxTraceBytes: 512,
  /** In an answer of HTTP, or a header of a dead letter. */
  maxViolations: 100,
  /** Of them, as JSON: all headers of a message together may take 64 KiB. */
  maxViolationsBytes: 16 * 1024,
  maxFileBytes: 1024 * 1024,
  maxAliases: 100,
  /** Of one file of JSON Schema. */
  maxSchemaBytes: 256 * 1024,
  /** In one JSON Schema, each that stands in another one counted: 1,000 compile in a second. */
  maxSchemas: 1_000,
  /** That one and the same value is held against. */
  maxSchemasOfValue: 1_000,
  /** In one file of JSON Schema: to work one out takes up to 100 ms, of an ordinary one less than 1. */
  maxPatterns: 100,
  /** Of what import reads, and how many values of it are kept. */
  maxDefinitionsBytes: 256 * 1024 * 1024,
  maxDefinitionsValues: 1_000_000,
  /** More would not fit into topology.yaml. */
  maxImportedObjects: 50_000,
  maxNameBytes: 255,
  httpPort: 8003,
  /** A guard against crash loops alone: no ordinary run of reconnects gets near it. */
  workDeliveryLimit: 1_000,
  /** As good as none, the same on every version: looking at a parked message never deletes it. */
  parkedDeliveryLimit: 1_000_000_000,
  /** The longest TTL that a broker takes, in milliseconds. */
  maxTtlMs: 2 ** 32 - 1,
} as const;
