/** The package's entry: what handlers import from "warren". */
export { WarrenError } from "./errors.ts";
export {
  defineHandler,
  type ExchangeEvents,
  type ExchangeName,
  type FieldsOf,
  type HandlerContext,
  type HandlerFunction,
  type HandlerModule,
  type KeyOf,
  type Log,
  type Publish,
  type PublishOptions,
  type QueueEvents,
  type QueueName,
  type ReceivedMessage,
  Reject,
  Retry,
} from "./handler.ts";
