/**
 * Deliveries as they travel to a thread. Their bodies are copied into one buffer of exactly their
 * size, which changes hands: a Buffer by itself would take the whole pool along that it is cut from.
 */
import type { ReceivedMessage } from "../../handler.ts";
import type { Delivery } from "./host.ts";

/** A delivery that is given to a thread, under a number of that thread's. */
export type NumberedRun = { readonly run: number; readonly delivery: Delivery };

export type PackedBatch = {
  readonly runs: readonly PackedRun[];
  readonly bodies: ArrayBuffer;
};

type PackedRun = {
  readonly run: number;
  readonly id: number;
  readonly queue: string;
  readonly attempt: number;
  /** Its body is the next `bytes` of `bodies`. */
  readonly bytes: number;
  readonly message: Omit<ReceivedMessage, "body">;
};

export function pack(batch: readonly NumberedRun[]): PackedBatch {
  const total = batch.reduce((sum, { delivery }) => sum + delivery.message.body.length, 0);
  const bodies = new Uint8Array(total);
  let at = 0;
  const runs = batch.map(({ run, delivery }) => {
    const { message, ...rest } = delivery;
    const { body, headers, ...properties } = message;
    bodies.set(body, at);
    at += body.length;
    const bytes = body.length;
    return { run, ...rest, bytes, message: { ...properties, headers: withOwnBytes(headers) } };
  });
  return { runs, bodies: bodies.buffer };
}

export function unpack({ runs, bodies }: PackedBatch): readonly NumberedRun[] {
  let at = 0;
  return runs.map(({ run, bytes, message, ...rest }) => {
    const body = Buffer.from(bodies, at, bytes);
    at += bytes;
    const headers = revived(message.headers);
    return { run, delivery: { ...rest, message: { ...message, headers, body } } };
  });
}

type Headers = ReceivedMessage["headers"];

/** A header that is a byte array is cut from a pool, like a body. */
function withOwnBytes(headers: Headers): Headers {
  return mapBytes(headers, (bytes) => new Uint8Array(bytes));
}

/** As they were read: without a prototype, so that `constructor` is an ordinary key. */
function revived(headers: Headers): Headers {
  const read = mapBytes(headers, ({ buffer, byteOffset, length }) =>
    Buffer.from(buffer, byteOffset, length),
  );
  return Object.assign(Object.create(null), read);
}

/** The same headers if none is a byte array. */
function mapBytes(headers: Headers, map: (bytes: Uint8Array) => Uint8Array): Headers {
  if (!Object.values(headers).some((value) => value instanceof Uint8Array)) return headers;
  const entries = Object.entries(headers).map(([key, value]) => [
    key,
    value instanceof Uint8Array ? map(value) : value,
  ]);
  return Object.fromEntries(entries);
}
