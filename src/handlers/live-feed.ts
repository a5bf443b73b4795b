import { defineHandler } from "warren";

// Every notification, whatever its channel: all three events have a recipient.
export default defineHandler<"live_feed">((event, { log }) => {
  log.info({ event: event.event_type, recipient: event.recipient }, "live feed updated");
});
