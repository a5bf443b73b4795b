import { defineHandler } from "warren";

// "book.*" lets four events in; `event_type` tells them apart.
export default defineHandler<"all_books_queue">((event, { log }) => {
  const facts = { bookId: event.book_id, event: event.event_type };
  switch (event.event_type) {
    case "book.created":
      return log.info({ ...facts, title: event.title }, "shelf label printed");
    case "book.updated":
      return log.info({ ...facts, title: event.title ?? null }, "shelf label checked");
    case "book.price_changed":
      return log.info({ ...facts, price: event.new_price ?? null }, "price tag printed");
    case "book.deleted":
      return log.info({ ...facts, reason: event.reason ?? null }, "shelf label removed");
  }
});
