import { defineHandler } from "warren";

// Lives as long as this runner: a metric, not a record.
const counts = new Map<string, number>();

export default defineHandler<"metrics_queue">((event, { log }) => {
  const count = (counts.get(event.event_type) ?? 0) + 1;
  counts.set(event.event_type, count);
  log.info({ event: event.event_type, count }, "alert counted");
});
