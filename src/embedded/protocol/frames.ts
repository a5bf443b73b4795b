/** A stream of bytes → frames. */
import { AmqpError } from "./errors.ts";

export const FRAME = { method: 1, header: 2, body: 3, heartbeat: 8 } as const;
/** What a frame has besides its payload: type, channel, size, and the end octet. */
export const FRAME_OVERHEAD = 8;
export const FRAME_END = 0xce;
const HEAD = 7;
/** Class and method. */
const METHOD_BYTES = 4;
/** Class, weight and size of the body, before the properties. */
const HEADER_BYTES = 12;

export type Frame = {
  readonly type: number;
  readonly channel: number;
  /** A part of the socket's buffer: copy what stays. */
  readonly payload: Buffer;
};

export class FrameReader {
  /** As negotiated; until then what every peer has to take. */
  frameMax: number;
  #rest: Buffer = Buffer.alloc(0);
  /** More of a frame that is longer than a chunk; together they are joined once. */
  #chunks: Buffer[] = [];
  #missing = 0;

  constructor(frameMax: number) {
    this.frameMax = frameMax;
  }

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#missing -= chunk.length;
    if (this.#missing > 0) return;
    this.#rest = Buffer.concat([this.#rest, ...this.#chunks]);
    this.#chunks = [];
    this.#missing = 0;
  }

  /**
   * @returns null until there is a whole frame more.
   * @throws {AmqpError} 501 when the stream can't be followed any further.
   */
  next(): Frame | null {
    const bytes = this.#rest;
    if (this.#missing > 0 || bytes.length < HEAD) return null;
    const type = bytes.readUInt8(0);
    const channel = bytes.readUInt16BE(1);
    const size = bytes.readUInt32BE(3);
    // As RabbitMQ, which forgives those who count the overhead wrong.
    if (this.frameMax !== 0 && size > this.frameMax) {
      const limit = this.frameMax - FRAME_OVERHEAD;
      throw frameError(type, Buffer.alloc(0), `{frame_too_large,${size},${limit}}`);
    }
    const end = HEAD + size;
    if (bytes.length <= end) {
      this.#missing = end + 1 - bytes.length;
      return null;
    }
    const payload = bytes.subarray(HEAD, end);
    const marker = bytes[end];
    if (marker !== FRAME_END) {
      throw frameError(type, payload, `{invalid_frame_end_marker,${marker}}`);
    }
    this.#rest = bytes.subarray(end + 1);
    return { type, channel, payload };
  }

  /** What has not been read, which is no frame. */
  takeBytes(count: number): Buffer | null {
    if (this.#rest.length < count) return null;
    const taken = this.#rest.subarray(0, count);
    this.#rest = this.#rest.subarray(count);
    return taken;
  }
}

/** @throws {AmqpError} 501 for a frame that can be none of any channel. */
export function checkFrame({ type, payload }: Frame): void {
  const isSound =
    type === FRAME.method
      ? payload.length >= METHOD_BYTES
      : type === FRAME.header
        ? payload.length >= HEADER_BYTES
        : type === FRAME.body || (type === FRAME.heartbeat && payload.length === 0);
  if (!isSound) throw frameError(type, payload, "unknown_frame");
}

/** 505 for a frame that has no place where it comes. */
export function unexpectedFrame({ type, payload }: Frame): AmqpError {
  return new AmqpError("unexpected-frame", `type ${type}, ${snippet(payload)}`);
}

/** 501, with the beginning of what was received in RabbitMQ's words. */
export function frameError(type: number, payload: Buffer, reason: string): AmqpError {
  return new AmqpError("frame-error", `type ${type}, ${snippet(payload)}: ${reason}`);
}

/** The beginning of a payload, as Erlang shows a binary. */
export function snippet(payload: Buffer): string {
  const shown = [...payload.subarray(0, 16)];
  const isText = shown.length > 0 && shown.every((byte) => byte >= 32 && byte < 127);
  const text = isText ? `<<"${String.fromCharCode(...shown)}">>` : `<<${shown.join(",")}>>`;
  return `${payload.length <= 16 ? "all" : "first 16"} octets = ${text}`;
}
