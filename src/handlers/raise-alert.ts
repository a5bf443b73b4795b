import { defineHandler } from "warren";

export default defineHandler<"alert_manager">((event, { log }) => {
  const facts = { service: event.service ?? "unknown", text: event.message };
  if (event.event_type === "alert.critical") log.info(facts, "person on call paged");
  else log.info(facts, "ticket opened");
});
