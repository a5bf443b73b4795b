import { defineHandler } from "warren";

export default defineHandler<"order_inventory">((event, { log }) => {
  const orderId = event.order_id;
  if (event.event_type === "order.cancelled") {
    log.info({ orderId }, "stock released");
    return;
  }
  const copies = (event.books ?? []).reduce((sum, { quantity }) => sum + quantity, 0);
  log.info({ orderId, copies }, "stock reserved");
});
