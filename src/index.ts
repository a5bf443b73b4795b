/** The package's entry: what handlers import from "warren". */
export { WarrenError } from "./errors.ts";
export {
  defineHandler,
  type ExchangeEvents,
  type ExchangeName,
  type ExchangeReplies,
  type FieldsOf,
  type HandlerContext,
  type HandlerFunction,
  type HandlerModule,
  type HandlerReply,
  type KeyOf,
  type Log,
  type Publish,
  type PublishOptions,
  type QueueEvents,
  type QueueName,
  type QueueReplies,
  type ReceivedMessage,
  Reject,
  type ReplyOf,
  Retry,
} from "./handler.ts";
