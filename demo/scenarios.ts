/** What the demo publishes: the requests of the README, and two more; and what it asks. */
export type Scenario = {
  readonly title: string;
  readonly path: string;
  readonly body: object;
  /** Queues whose handler rejects this message on purpose. */
  readonly rejectedBy: readonly string[];
};

export const scenarios: readonly Scenario[] = [
  {
    title: "A book comes into the catalogue",
    path: "/publish/book",
    body: {
      event_type: "book.created",
      book_id: "book123",
      title: "Clean Code",
      author: "Robert Martin",
      price: 39.99,
    },
    rejectedBy: [],
  },
  {
    title: "A customer orders",
    path: "/publish/order",
    body: {
      event_type: "order.placed",
      order_id: "order456",
      user_id: "user789",
      books: [{ book_id: "book123", quantity: 2, price: 39.99 }],
      total_amount: 79.98,
    },
    rejectedBy: [],
  },
  {
    title: "A customer orders, from an older client",
    path: "/publish/order",
    body: { event_type: "order.placed", order_id: "12345", user_id: "user789", total: 99.99 },
    rejectedBy: [],
  },
  {
    title: "A user who may not pay orders: take-payment rejects it",
    path: "/publish/order",
    body: { event_type: "order.placed", order_id: "order457", user_id: "blocked" },
    rejectedBy: ["order_payments"],
  },
  {
    title: "A notification",
    path: "/publish/notification",
    body: {
      event_type: "notification.email",
      recipient: "user@example.com",
      subject: "Order Confirmation",
      message: "Your order has been confirmed!",
    },
    rejectedBy: [],
  },
  {
    title: "A book in an envelope, published by exchange and routing key",
    path: "/publish",
    body: {
      exchange: "books",
      routing_key: "book.created",
      message: { event_type: "book.created", data: { book_id: "123", title: "FastAPI Guide" } },
      priority: 5,
    },
    rejectedBy: [],
  },
  {
    title: "An article, to an exchange that takes any JSON",
    path: "/publish",
    body: {
      exchange: "content",
      routing_key: "article.published",
      message: { article_id: "abc123", title: "New Article" },
    },
    rejectedBy: [],
  },
  {
    title: "A critical alert",
    path: "/publish",
    body: {
      exchange: "alerts",
      routing_key: "alert.critical",
      message: { level: "critical", service: "database", message: "High CPU usage" },
    },
    rejectedBy: [],
  },
  {
    title: "A page to render, before others that wait",
    path: "/publish",
    body: { exchange: "tasks", routing_key: "render", message: { page: "cover" }, priority: 9 },
    rejectedBy: [],
  },
];

/** What the demo asks, and whose handler answers. */
export const question = {
  title: "A price is asked for, and answered by the handler of its queue",
  path: "/rpc",
  body: {
    exchange: "tasks",
    routing_key: "price.quote",
    message: { book_id: "book123", quantity: 2 },
  },
} as const;
