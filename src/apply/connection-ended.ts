/** What the end of a connection says of what went over it. */
import type { BrokerConnection } from "../broker-connection.ts";
import { isLoss, isSilence } from "../connect.ts";
import { WarrenError } from "../errors.ts";
import type { Exchange } from "../topology.ts";
import { within } from "../within.ts";
import { INTERNAL_ERROR } from "./reply-codes.ts";

/** The connection over which something was done has ended. */
export class ConnectionEnded extends WarrenError {
  /** Another connection may do; but a silence would only be waited for once more. */
  readonly isPassing: boolean;

  constructor(message: string, reason: Error, cause: unknown) {
    super("connection-failed", message, { cause });
    const { code } = reason as Error & { readonly code?: unknown };
    this.isPassing = code === INTERNAL_ERROR || (isLoss(reason) && !isSilence(reason));
  }
}

/** For the end of a connection to be known after its last operation has failed. */
const ENDING_MS = 1_000;

/** Why it has ended, if that is why something over it has failed; null: it has not. */
export function endOf({ ended }: BrokerConnection): Promise<Error | null> {
  return within<Error | null>(ended, ENDING_MS, null);
}

/** An error of a connection that has ended is that end; what is no such thing stays as it is. */
export async function unlessEnded(error: unknown, connection: BrokerConnection): Promise<unknown> {
  const reason = error instanceof WarrenError ? null : await endOf(connection);
  if (reason === null) return error;
  return new ConnectionEnded(`the connection ended: ${reason.message}`, reason, error);
}

type Typed = Pick<Exchange, "name" | "type" | "at">;

/** Brokers up to 3.12 end the connection over a type that they do not know; null: that was not it. */
export function endedByType(
  reason: Error,
  error: unknown,
  exchanges: readonly Typed[],
): WarrenError | null {
  const type = /unknown exchange type '(.*?)'/.exec(`${reason.message} ${error}`)?.[1];
  const exchange = exchanges.find((one) => one.type === type);
  return exchange ? unknownType(exchange) : null;
}

export function unknownType({ name, type, at }: Typed): WarrenError {
  const text = `exchange "${name}" has type "${type}", which this broker does not know`;
  return new WarrenError("unknown-exchange-type", text, { at });
}
