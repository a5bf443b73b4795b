// Generated from topology.yaml and schemas by `npm run generate`: do not edit.

/**
 * Somebody has to act now.
 */
export interface AlertCritical {
  event_type: "alert.critical";
  /**
   * As the monitoring names it.
   */
  level?: string;
  /**
   * What is in trouble.
   */
  service?: string;
  /**
   * What was seen.
   */
  message: string;
  /**
   * The measured value.
   */
  value?: number;
}

/**
 * Somebody should look when there is time.
 */
export interface AlertWarning {
  event_type: "alert.warning";
  /**
   * As the monitoring names it.
   */
  level?: string;
  /**
   * What is in trouble.
   */
  service?: string;
  /**
   * What was seen.
   */
  message: string;
  /**
   * The measured value.
   */
  value?: number;
}

/**
 * A book came into the catalogue.
 */
export interface BookCreated {
  event_type: "book.created";
  /**
   * The shop's own id of the book.
   */
  book_id: string;
  /**
   * As printed on the cover.
   */
  title: string;
  /**
   * As printed on the cover.
   */
  author?: string;
  /**
   * ISBN-13, digits alone.
   */
  isbn?: string;
  /**
   * What one copy costs.
   */
  price?: number;
  currency?: Currency;
}

/**
 * A book left the catalogue.
 */
export interface BookDeleted {
  event_type: "book.deleted";
  /**
   * The shop's own id of the book.
   */
  book_id: string;
  /**
   * Why it left.
   */
  reason?: string;
}

/**
 * A book has a new price.
 */
export interface BookPriceChanged {
  event_type: "book.price_changed";
  /**
   * The shop's own id of the book.
   */
  book_id: string;
  /**
   * What one copy cost until now.
   */
  old_price?: number;
  /**
   * What one copy costs from now on.
   */
  new_price?: number;
  currency?: Currency;
}

/**
 * Facts of a book changed; only those that changed are sent.
 */
export interface BookUpdated {
  event_type: "book.updated";
  /**
   * The shop's own id of the book.
   */
  book_id: string;
  /**
   * As printed on the cover.
   */
  title?: string;
  /**
   * As printed on the cover.
   */
  author?: string;
  /**
   * ISBN-13, digits alone.
   */
  isbn?: string;
  /**
   * What one copy costs.
   */
  price?: number;
  currency?: Currency;
}

/**
 * A mail to send.
 */
export interface NotificationEmail {
  event_type: "notification.email";
  /**
   * The mail address.
   */
  recipient: string;
  /**
   * The subject line.
   */
  subject?: string;
  /**
   * The mail's text.
   */
  message?: string;
}

/**
 * A push notification to send.
 */
export interface NotificationPush {
  event_type: "notification.push";
  /**
   * The user, or the device's token.
   */
  recipient: string;
  /**
   * The first line.
   */
  title?: string;
  /**
   * The text.
   */
  message?: string;
}

/**
 * A text message to send.
 */
export interface NotificationSms {
  event_type: "notification.sms";
  /**
   * The telephone number.
   */
  recipient: string;
  /**
   * The text.
   */
  message?: string;
}

/**
 * An order was called off.
 */
export interface OrderCancelled {
  event_type: "order.cancelled";
  /**
   * The shop's own id of the order.
   */
  order_id: string;
  /**
   * Who ordered.
   */
  user_id?: string;
  /**
   * Where mail about the order goes.
   */
  email?: string;
  /**
   * Why it was called off.
   */
  reason?: string;
}

/**
 * An order is paid.
 */
export interface OrderConfirmed {
  event_type: "order.confirmed";
  /**
   * The shop's own id of the order.
   */
  order_id: string;
  /**
   * Who ordered.
   */
  user_id?: string;
  /**
   * Where mail about the order goes.
   */
  email?: string;
  /**
   * The payment provider's id.
   */
  payment_id?: string;
}

/**
 * An order reached the customer.
 */
export interface OrderDelivered {
  event_type: "order.delivered";
  /**
   * The shop's own id of the order.
   */
  order_id: string;
  /**
   * Who ordered.
   */
  user_id?: string;
  /**
   * Where mail about the order goes.
   */
  email?: string;
  /**
   * When it arrived.
   */
  delivered_at?: string;
}

/**
 * A customer ordered; nothing is paid or reserved yet.
 */
export interface OrderPlaced {
  event_type: "order.placed";
  /**
   * The shop's own id of the order.
   */
  order_id: string;
  /**
   * Who ordered.
   */
  user_id: string;
  /**
   * Where mail about the order goes.
   */
  email?: string;
  /**
   * What was ordered.
   *
   * @maxItems 1000
   */
  books?: OrderLine[];
  /**
   * What all of it costs.
   */
  total_amount?: number;
  /**
   * The same, as older clients call it.
   */
  total?: number;
  currency?: Currency;
}

/**
 * An order left the warehouse.
 */
export interface OrderShipped {
  event_type: "order.shipped";
  /**
   * The shop's own id of the order.
   */
  order_id: string;
  /**
   * Who ordered.
   */
  user_id?: string;
  /**
   * Where mail about the order goes.
   */
  email?: string;
  /**
   * Who carries it.
   */
  carrier?: string;
  /**
   * The carrier's number of the parcel.
   */
  tracking_number?: string;
  /**
   * When it left.
   */
  shipped_at?: string;
}

/**
 * What so many copies of a book cost now.
 */
export interface PriceQuoteReply {
  book_id: string;
  quantity: number;
  total: number;
}

/**
 * ISO 4217, EUR for example.
 */
export type Currency = string;

/**
 * A book of an order.
 */
export interface OrderLine {
  /**
   * The shop's own id of the book.
   */
  book_id: string;
  /**
   * How many copies.
   */
  quantity: number;
  /**
   * Of one copy, when it was ordered.
   */
  price?: number;
}

export type AlertEvent = AlertCritical | AlertWarning;

export type BookEvent = BookCreated | BookDeleted | BookPriceChanged | BookUpdated;

export type NotificationEvent = NotificationEmail | NotificationPush | NotificationSms;

export type OrderEvent =
  OrderCancelled | OrderConfirmed | OrderDelivered | OrderPlaced | OrderShipped;
