/** Frames of one channel → methods, each with its content. */
import type { Content } from "../model/message.ts";
import { decodeMethod, idOf } from "../protocol/codec.ts";
import { AmqpError } from "../protocol/errors.ts";
import { FRAME, type Frame } from "../protocol/frames.ts";
import { BASIC_CLASS, hasContent, type Method } from "../protocol/methods.ts";

/** The largest message. */
const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;
/** Beyond which a size is taken for nonsense. */
const MAX_CONTENT_BYTES = 512 * 1024 * 1024;

export type Assembled = { readonly method: Method; readonly content: Content | null };

type Awaited = {
  readonly method: Method;
  readonly properties: Buffer;
  readonly size: number;
  /** Grows as it is filled, so that nothing is given for an announcement. */
  body: Buffer;
  filled: number;
};

export class Assembly {
  /** Its content header is next. */
  #method: Method | null = null;
  #awaited: Awaited | null = null;

  /**
   * @param frame one that is sound: see `checkFrame`.
   * @returns null until it is whole.
   * @throws {AmqpError} 501, 503, 505 for frames that make no sense here, 406 for a message that is
   *   too large.
   */
  push({ type, payload }: Frame): Assembled | null {
    if (this.#awaited) return this.#pushBody(this.#awaited, type, payload);
    if (this.#method) return this.#pushHeader(this.#method, type, payload);
    if (type !== FRAME.method) {
      const text = "expected method frame, got non method frame instead";
      throw new AmqpError("unexpected-frame", text);
    }
    const method = decodeMethod(payload);
    if (!hasContent(method.name)) return { method, content: null };
    this.#method = method;
    return null;
  }

  #pushHeader(method: Method, type: number, payload: Buffer): Assembled | null {
    if (type !== FRAME.header || payload.readUInt16BE(2) !== 0) {
      throw unexpected(
        method,
        `content header for class ${BASIC_CLASS}`,
        "non content header frame",
      );
    }
    const classId = payload.readUInt16BE(0);
    if (classId !== BASIC_CLASS) {
      const got = `one for class ${classId}`;
      throw unexpected(method, `content header for class ${BASIC_CLASS}`, got);
    }
    const announced = payload.readBigUInt64BE(4);
    if (announced > MAX_CONTENT_BYTES) {
      const text = `content body size ${announced} exceeds maximum allowed size ${MAX_CONTENT_BYTES}`;
      throw new AmqpError("frame-error", text, idOf(method.name));
    }
    const size = Number(announced);
    this.#method = null;
    // The socket's buffer is not ours to keep.
    const properties = Buffer.from(payload.subarray(12));
    if (size === 0) return { method, content: { properties, body: Buffer.alloc(0) } };
    this.#awaited = { method, properties, size, body: Buffer.alloc(0), filled: 0 };
    return null;
  }

  #pushBody(awaited: Awaited, type: number, payload: Buffer): Assembled | null {
    const { method, properties, size } = awaited;
    if (type !== FRAME.body) throw unexpected(method, "content body", "non content body frame");
    if (awaited.filled + payload.length > size) {
      const text = "content body frame exceeds remaining content size";
      throw new AmqpError("frame-error", text, idOf(method.name));
    }
    // One that will be refused is read on, but not kept.
    if (size <= MAX_MESSAGE_BYTES) fill(awaited, payload);
    awaited.filled += payload.length;
    if (awaited.filled < size) return null;
    this.#awaited = null;
    if (size > MAX_MESSAGE_BYTES) {
      const text = `message size ${size} is larger than configured max size ${MAX_MESSAGE_BYTES}`;
      throw new AmqpError("precondition-failed", text, idOf(method.name));
    }
    return { method, content: { properties, body: awaited.body } };
  }
}

/** Copies a part of a body, since the socket's buffer is not ours to keep. */
function fill(awaited: Awaited, payload: Buffer): void {
  const { body, filled, size } = awaited;
  const needed = filled + payload.length;
  if (needed > body.length) {
    awaited.body = Buffer.allocUnsafe(Math.min(size, Math.max(needed, 2 * body.length)));
    body.copy(awaited.body, 0, 0, filled);
  }
  payload.copy(awaited.body, filled);
}

function unexpected({ name }: Method, expected: string, got: string): AmqpError {
  const text = `expected ${expected}, got ${got} instead`;
  return new AmqpError("unexpected-frame", text, idOf(name));
}
