import { defineHandler } from "warren";

// "book_created_queue" is bound for book.created alone, so `event` is a BookCreated.
export default defineHandler<"book_created_queue">((event, { log }) => {
  log.info({ bookId: event.book_id, title: event.title }, "book added to the catalogue");
});
