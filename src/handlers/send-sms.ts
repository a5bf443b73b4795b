import { defineHandler } from "warren";

export default defineHandler<"sms_queue">((event, { log }) => {
  if (event.event_type !== "notification.sms") {
    log.info({ event: event.event_type }, "nothing to text");
    return;
  }
  log.info({ recipient: event.recipient, text: event.message ?? "" }, "text message sent");
});
