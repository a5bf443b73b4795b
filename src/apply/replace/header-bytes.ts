/**
 * The headers of deliveries as they came over the wire. amqplib makes plain numbers of them, which
 * lose their widths, and whole ones beyond 2^53 their last digits; a copy is to have what was sent.
 */
import type { Channel, ConsumeMessage } from "amqplib";

/** The part of amqplib's connection that its types hide. */
type Internals = {
  /** What has come and is not read yet: it begins with a frame. */
  readonly rest: Buffer;
  /** Takes the next frame from it, if it is whole. */
  recvFrame?: () => { readonly fields?: object } | false;
};

const FRAME_HEADER = 2;
const PREFIX_BYTES = 7;
/** Class, weight and size of the body. */
const CONTENT_BYTES = 12;

const seen = new WeakMap<object, Buffer>();
const watched = new WeakSet<object>();

/** Keeps them from now on, for every channel of its connection. */
export function keepHeaderBytes(channel: Channel): void {
  const internals = channel.connection as unknown as Internals;
  const receive = internals.recvFrame;
  if (receive === undefined || watched.has(internals)) return;
  watched.add(internals);
  internals.recvFrame = () => {
    const { rest } = internals;
    // It calls itself, through here, until the frame is whole: the innermost call sees it.
    const frame = receive.call(internals);
    if (frame !== false && frame.fields !== undefined && !seen.has(frame.fields)) {
      const properties = propertiesIn(rest);
      if (properties) seen.set(frame.fields, properties);
    }
    return frame;
  };
}

/** The table of a delivery's headers, without its length; null: it has none, or nobody kept it. */
export function headerBytes({ properties }: Pick<ConsumeMessage, "properties">): Buffer | null {
  const bytes = seen.get(properties);
  if (bytes === undefined) return null;
  const flags = bytes.readUInt16BE(0);
  let offset = 2;
  // The content's type and encoding stand before them.
  for (const flag of [0x8000, 0x4000]) {
    if ((flags & flag) !== 0) offset += 1 + bytes.readUInt8(offset);
  }
  if ((flags & 0x2000) === 0) return null;
  return bytes.subarray(offset + 4, offset + 4 + bytes.readUInt32BE(offset));
}

function propertiesIn(rest: Buffer): Buffer | null {
  if (rest.length < PREFIX_BYTES || rest.readUInt8(0) !== FRAME_HEADER) return null;
  const end = PREFIX_BYTES + rest.readUInt32BE(3);
  return rest.length > end ? rest.subarray(PREFIX_BYTES + CONTENT_BYTES, end) : null;
}
