/** Frames of one channel → methods, each with its content. */
import type { Content } from "../model/message.ts";
import { decodeMethod } from "../protocol/codec.ts";
import { AmqpError } from "../protocol/errors.ts";
import { FRAME, type Frame, frameError } from "../protocol/frames.ts";
import { BASIC_CLASS, type Method } from "../protocol/methods.ts";

/** The largest message. */
const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;
/** Beyond which a size is taken for nonsense. */
const MAX_CONTENT_BYTES = 512 * 1024 * 1024;

export type Assembled = { readonly method: Method; readonly content: Content | null };

type Awaited = {
  readonly method: Method;
  readonly properties: Buffer;
  readonly body: Buffer;
  readonly size: number;
  filled: number;
};

export class Assembly {
  /** Its content header is next. */
  #method: Method | null = null;
  #awaited: Awaited | null = null;

  /**
   * @returns null until it is whole.
   * @throws {AmqpError} 501, 502, 503, 505 for frames that make no sense here, 406 for a message
   *   that is too large.
   */
  push({ type, payload }: Frame): Assembled | null {
    if (this.#awaited) return this.#pushBody(this.#awaited, type, payload);
    if (this.#method) return this.#pushHeader(this.#method, type, payload);
    if (type !== FRAME.method) {
      throw new AmqpError(
        "unexpected-frame",
        "expected method frame, got non method frame instead",
      );
    }
    const method = decodeMethod(payload);
    if (method.name !== "basic.publish") return { method, content: null };
    this.#method = method;
    return null;
  }

  #pushHeader(method: Method, type: number, payload: Buffer): Assembled | null {
    if (type !== FRAME.header) {
      const text = `expected content header for class ${BASIC_CLASS}, got non content header frame instead`;
      throw new AmqpError("unexpected-frame", text);
    }
    if (payload.length < 14) throw frameError(type, payload, "unknown_frame");
    const classId = payload.readUInt16BE(0);
    if (classId !== BASIC_CLASS) {
      const text = `expected content header for class ${BASIC_CLASS}, got one for class ${classId} instead`;
      throw new AmqpError("unexpected-frame", text);
    }
    const size = Number(payload.readBigUInt64BE(4));
    this.#method = null;
    if (size > MAX_CONTENT_BYTES) {
      const text = `content body size ${size} exceeds maximum allowed size ${MAX_CONTENT_BYTES}`;
      throw new AmqpError("frame-error", text);
    }
    // The socket's buffer is not ours to keep.
    const properties = Buffer.from(payload.subarray(12));
    if (size === 0) return { method, content: { properties, body: Buffer.alloc(0) } };
    // One that will be refused is read on, but not kept.
    const body = size > MAX_MESSAGE_BYTES ? Buffer.alloc(0) : Buffer.allocUnsafe(size);
    this.#awaited = { method, properties, body, filled: 0, size };
    return null;
  }

  #pushBody(awaited: Awaited, type: number, payload: Buffer): Assembled | null {
    if (type !== FRAME.body) {
      const text = "expected content body, got non content body frame instead";
      throw new AmqpError("unexpected-frame", text);
    }
    const { method, properties, body, size } = awaited;
    if (awaited.filled + payload.length > size) {
      const text = "content body frame exceeds remaining content size";
      throw new AmqpError("frame-error", text);
    }
    payload.copy(body, Math.min(awaited.filled, body.length));
    awaited.filled += payload.length;
    if (awaited.filled < size) return null;
    this.#awaited = null;
    if (size > MAX_MESSAGE_BYTES) {
      const text = `message size ${size} is larger than configured max size ${MAX_MESSAGE_BYTES}`;
      throw new AmqpError("precondition-failed", text);
    }
    return { method, content: { properties, body } };
  }
}
