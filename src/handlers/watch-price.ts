import { defineHandler } from "warren";

export default defineHandler<"price_watch">((event, { log }) => {
  const { book_id: bookId, old_price: before = 0, new_price: after = 0 } = event;
  if (after < before)
    log.info({ bookId, saved: before - after }, "wish lists told of a better price");
  else log.info({ bookId, price: after }, "price noted");
});
