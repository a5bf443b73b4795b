// Generated from topology.yaml and schemas by `npm run generate`: do not edit.

import type {
  AlertCritical,
  AlertWarning,
  BookCreated,
  BookDeleted,
  BookPriceChanged,
  BookUpdated,
  NotificationEmail,
  NotificationPush,
  NotificationSms,
  OrderCancelled,
  OrderConfirmed,
  OrderDelivered,
  OrderPlaced,
  OrderShipped,
  PriceQuoteReply,
} from "./events.ts";

declare module "warren" {
  interface QueueEvents {
    "alert_manager": AlertCritical | AlertWarning;
    "all_books_queue": BookCreated | BookDeleted | BookPriceChanged | BookUpdated;
    "auto_scaler": AlertCritical;
    "book_created_queue": BookCreated;
    "cache_queue": unknown;
    "email_queue": NotificationEmail | NotificationPush | NotificationSms;
    "live_feed": NotificationEmail | NotificationPush | NotificationSms;
    "metrics_queue": AlertCritical | AlertWarning;
    "newsletter_queue": unknown;
    "order_inventory": OrderCancelled | OrderPlaced;
    "order_notifications": OrderCancelled | OrderConfirmed | OrderDelivered | OrderPlaced | OrderShipped;
    "order_payments": OrderCancelled | OrderPlaced;
    "price_quote": unknown;
    "price_watch": BookPriceChanged;
    "push_queue": NotificationEmail | NotificationPush | NotificationSms;
    "search_index": unknown;
    "sms_queue": NotificationEmail | NotificationPush | NotificationSms;
    "social_queue": unknown;
    "task_queue": unknown;
  }
  interface ExchangeEvents {
    "alerts": {
      "alert.critical": AlertCritical;
      "alert.warning": AlertWarning;
    };
    "books": {
      "book.created": BookCreated;
      "book.deleted": BookDeleted;
      "book.price_changed": BookPriceChanged;
      "book.updated": BookUpdated;
    };
    "content": unknown;
    "dead": unknown;
    "notifications": {
      "notification.email": NotificationEmail;
      "notification.push": NotificationPush;
      "notification.sms": NotificationSms;
    };
    "orders": {
      "order.cancelled": OrderCancelled;
      "order.confirmed": OrderConfirmed;
      "order.delivered": OrderDelivered;
      "order.placed": OrderPlaced;
      "order.shipped": OrderShipped;
    };
    "tasks": unknown;
    "unrouted": unknown;
  }
  interface QueueReplies {
    "price_quote": PriceQuoteReply;
  }
  interface ExchangeReplies {
    "tasks": {
      "price.quote": PriceQuoteReply;
    };
  }
}
