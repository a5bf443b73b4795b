/**
 * Deliveries as they travel to a thread. Their bodies are copied into one buffer of exactly their
 * size, which changes hands: a Buffer by itself would take the whole pool along that it is cut from.
 */
import type { ReceivedMessage } from "../../handler.ts";
import type { Delivery } from "./host.ts";

export type PackedBatch = {
  readonly deliveries: readonly PackedDelivery[];
  readonly bodies: ArrayBuffer;
};

type PackedDelivery = Omit<Delivery, "message"> & {
  /** Its body is the next `bytes` of `bodies`. */
  readonly message: Omit<ReceivedMessage, "body">;
  readonly bytes: number;
};

export function pack(batch: readonly Delivery[]): PackedBatch {
  const total = batch.reduce((sum, { message }) => sum + message.body.length, 0);
  const bodies = new Uint8Array(total);
  let at = 0;
  const deliveries = batch.map(({ message, ...delivery }) => {
    const { body, headers, ...rest } = message;
    bodies.set(body, at);
    at += body.length;
    return {
      ...delivery,
      message: { ...rest, headers: withOwnBytes(headers) },
      bytes: body.length,
    };
  });
  return { deliveries, bodies: bodies.buffer };
}

export function unpack({ deliveries, bodies }: PackedBatch): readonly Delivery[] {
  let at = 0;
  return deliveries.map(({ bytes, message, ...delivery }) => {
    const body = Buffer.from(bodies, at, bytes);
    at += bytes;
    return { ...delivery, message: { ...message, headers: revived(message.headers), body } };
  });
}

type Headers = ReceivedMessage["headers"];

/** A header that is a byte array is cut from a pool, like a body. */
function withOwnBytes(headers: Headers): Headers {
  return mapValues(headers, (value) => new Uint8Array(value));
}

/** As amqplib makes them, and without a prototype, so that `__proto__` is an ordinary key. */
function revived(headers: Headers): Headers {
  const buffers = mapValues(headers, ({ buffer, byteOffset, length }) =>
    Buffer.from(buffer, byteOffset, length),
  );
  return Object.assign(Object.create(null), buffers);
}

/** The same headers where none is a byte array. */
function mapValues(headers: Headers, map: (bytes: Uint8Array) => Uint8Array): Headers {
  if (!Object.values(headers).some((value) => value instanceof Uint8Array)) return headers;
  return Object.fromEntries(
    Object.entries(headers).map(([key, value]) => [
      key,
      value instanceof Uint8Array ? map(value) : value,
    ]),
  );
}
