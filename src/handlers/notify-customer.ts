import { defineHandler } from "warren";

const subjects = {
  "order.placed": "We have your order",
  "order.confirmed": "Your order is paid",
  "order.shipped": "Your order is on its way",
  "order.delivered": "Your order has arrived",
  "order.cancelled": "Your order is cancelled",
} as const;

export default defineHandler<"order_notifications">(async (event, { log, publish }) => {
  const { order_id: orderId, event_type: type } = event;
  const recipient = event.email ?? event.user_id;
  if (recipient === undefined) {
    log.warn({ orderId, event: type }, "customer not told: the order names nobody");
    return;
  }
  const subject = subjects[type];
  await publish("notifications", "notification.email", {
    recipient,
    subject,
    message: `${subject}: ${orderId}.`,
  });
  log.info({ orderId, event: type, recipient }, "customer told");
});
