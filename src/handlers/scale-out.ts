import { defineHandler } from "warren";

export default defineHandler<"auto_scaler">((event, { log }) => {
  log.info({ service: event.service ?? "unknown" }, "one more instance asked for");
});
