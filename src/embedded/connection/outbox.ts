/** What goes to a client: the frames of a tick together, in one write. */
import type { Socket } from "node:net";
import { writeMethod } from "../protocol/codec.ts";
import { FRAME, FRAME_END, FRAME_OVERHEAD } from "../protocol/frames.ts";
import { type Args, BASIC_CLASS, type MethodName } from "../protocol/methods.ts";
import { Writer } from "../protocol/writer.ts";

/** A client that has so much to read gets no deliveries, and is not listened to. */
const MAX_WAITING_BYTES = 1024 * 1024;

export class Outbox {
  /** As negotiated; 0: any. */
  frameMax = 0;
  readonly #socket: Socket;
  readonly #writer = new Writer();

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** The client reads slower than it is written to. */
  get isCongested(): boolean {
    return this.#writer.length + this.#socket.writableLength > MAX_WAITING_BYTES;
  }

  /** How many bytes have left it for good. */
  get flushedBytes(): number {
    return this.#socket.bytesWritten - this.#socket.writableLength;
  }

  method<N extends MethodName>(channel: number, name: N, args: Args<N>): void {
    const start = this.#begin(FRAME.method, channel);
    writeMethod(this.#writer, name, args);
    this.#end(start);
  }

  /** @param header the payload of a content header behind its size. */
  content<N extends MethodName>(
    channel: number,
    method: { readonly name: N; readonly args: Args<N> },
    header: Buffer,
    body: Buffer,
  ): void {
    this.method(channel, method.name, method.args);
    const start = this.#begin(FRAME.header, channel);
    this.#writer.short(BASIC_CLASS);
    this.#writer.short(0);
    this.#writer.longlong(body.length);
    this.#writer.bytes(header);
    this.#end(start);
    const most = this.frameMax === 0 ? Math.max(1, body.length) : this.frameMax - FRAME_OVERHEAD;
    for (let at = 0; at < body.length; at += most) {
      const bodyStart = this.#begin(FRAME.body, channel);
      this.#writer.bytes(body.subarray(at, at + most));
      this.#end(bodyStart);
    }
  }

  heartbeat(): void {
    this.#end(this.#begin(FRAME.heartbeat, 0));
  }

  /** What is no frame. */
  raw(bytes: Buffer): void {
    this.#writer.bytes(bytes);
  }

  flush(): void {
    if (this.#writer.length > 0 && this.#socket.writable) this.#socket.write(this.#writer.take());
  }

  /** @returns where its payload begins. */
  #begin(type: number, channel: number): number {
    this.#writer.octet(type);
    this.#writer.short(channel);
    this.#writer.long(0);
    return this.#writer.length;
  }

  #end(start: number): void {
    this.#writer.patchLong(start - 4, this.#writer.length - start);
    this.#writer.octet(FRAME_END);
  }
}
