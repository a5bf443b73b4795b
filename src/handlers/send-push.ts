import { defineHandler } from "warren";

export default defineHandler<"push_queue">((event, { log }) => {
  if (event.event_type !== "notification.push") {
    log.info({ event: event.event_type }, "nothing to push");
    return;
  }
  log.info({ recipient: event.recipient, title: event.title ?? "" }, "push notification sent");
});
