import { defineHandler, Reject } from "warren";

export default defineHandler<"order_payments">(async (event, { log, publish }) => {
  const { order_id: orderId, user_id: userId } = event;
  if (event.event_type === "order.cancelled") {
    log.info({ orderId }, "payment refunded");
    return;
  }
  // Trying again would not help: straight to the dead letters, with this text as the cause.
  if (userId === "blocked") throw new Reject(`user ${userId} may not pay`);

  const amount = event.total_amount ?? event.total ?? 0;
  log.info({ orderId, userId, amount }, "payment taken");
  // Confirmed by the broker before this message is acknowledged.
  await publish("orders", "order.confirmed", {
    order_id: orderId,
    user_id: event.user_id,
    ...(event.email !== undefined && { email: event.email }),
    payment_id: `payment-${orderId}`,
  });
});
