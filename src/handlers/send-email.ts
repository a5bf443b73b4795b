import { defineHandler } from "warren";

// A fanout gives every notification to every queue; each handler picks its own.
export default defineHandler<"email_queue">((event, { log }) => {
  if (event.event_type !== "notification.email") {
    log.info({ event: event.event_type }, "nothing to mail");
    return;
  }
  log.info({ recipient: event.recipient, subject: event.subject ?? "(none)" }, "mail sent");
});
