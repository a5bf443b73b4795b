import { defineHandler } from "warren";

export default defineHandler<"newsletter_queue">((_article, { log, message }) => {
  log.info({ bytes: message.body.length }, "article kept for the newsletter");
});
