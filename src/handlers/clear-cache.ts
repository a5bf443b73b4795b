import { defineHandler } from "warren";

export default defineHandler<"cache_queue">((_article, { log, message }) => {
  log.info({ change: message.routingKey }, "cached pages dropped");
});
