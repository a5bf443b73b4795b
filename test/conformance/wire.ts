/** AMQP frames as bytes, for what no client library sends. */
import { connect } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { waitFor } from "../support/wait-for.ts";
import { WAIT_MS } from "./channel.ts";

/** What of a broker's frames is compared: `1 channel.close 504 CHANNEL_ERROR - … (20.10)`. */
export type Wire = {
  send(...bytes: readonly Buffer[]): void;
  /** What has come since it was last asked, once there is such a line and nothing comes after it. */
  until(line: RegExp): Promise<readonly string[]>;
  close(): void;
};

export const HEADER = Buffer.from("AMQP\0\0\x09\x01");

export const u8 = (...values: readonly number[]) => Buffer.from(values);
export const u16 = (value: number) => u8(value >> 8, value & 255);
export const u32 = (value: number) => Buffer.concat([u16(value >>> 16), u16(value & 65_535)]);
export const u64 = (value: number) => Buffer.concat([u32(value / 2 ** 32), u32(value % 2 ** 32)]);
export const short = (text: string) =>
  Buffer.concat([u8(Buffer.byteLength(text)), Buffer.from(text)]);
export const long = (text: string) =>
  Buffer.concat([u32(Buffer.byteLength(text)), Buffer.from(text)]);
export const NO_TABLE = u32(0);

export function frame(type: number, channel: number, ...payload: readonly Buffer[]): Buffer {
  const content = Buffer.concat(payload);
  return Buffer.concat([u8(type), u16(channel), u32(content.length), content, u8(0xce)]);
}

/** @param id class and method: `[20, 10]`. */
export function method(channel: number, id: readonly [number, number], ...args: readonly Buffer[]) {
  return frame(1, channel, u16(id[0]), u16(id[1]), ...args);
}

/** The header of a message of this size without properties. */
export const header = (channel: number, size: number, classId = 60) =>
  frame(2, channel, u16(classId), u16(0), u64(size), u16(0));

export const body = (channel: number, text: string) => frame(3, channel, Buffer.from(text));

export const startOk = (user = "guest", password = "guest", mechanism = "PLAIN") =>
  method(0, [10, 11], NO_TABLE, short(mechanism), long(`\0${user}\0${password}`), short("en_US"));
export const tuneOk = (channelMax = 2_047, frameMax = 131_072, heartbeat = 0) =>
  method(0, [10, 31], u16(channelMax), u32(frameMax), u16(heartbeat));
export const open = (vhost: string) => method(0, [10, 40], short(vhost), short(""), u8(0));
export const channelOpen = (channel: number) => method(channel, [20, 10], short(""));

/** Opens a socket; `handshake` goes on until channel 1 is open. */
export async function openWire(url: string, { handshake = true } = {}): Promise<Wire> {
  const { hostname, port, pathname } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port), noDelay: true });
  let received = Buffer.alloc(0);
  let isClosed = false;
  socket.on("data", (bytes) => {
    received = Buffer.concat([received, bytes]);
  });
  socket.on("error", () => undefined);
  socket.on("close", () => {
    isClosed = true;
  });
  const lines = () => {
    const frames = shown(received);
    // Who waits how long for whom after connection.close is nobody's business.
    const isTold = frames.some((one) => one.startsWith("0 10.50"));
    return isClosed && !isTold ? [...frames, "socket closed"] : frames;
  };
  const until = async (line: RegExp) => {
    const what = `${line} from the broker`;
    await waitFor((seen) => seen(lines()).some((one) => line.test(one)), {
      timeoutMs: WAIT_MS,
      what,
    });
    for (let last = ""; last !== lines().join(); await delay(QUIET_MS)) last = lines().join();
    const all = lines();
    received = Buffer.alloc(0);
    return all;
  };
  const send: Wire["send"] = (...bytes) => void socket.write(Buffer.concat(bytes));
  if (handshake) {
    const vhost = decodeURIComponent(pathname.slice(1));
    send(HEADER, startOk(), tuneOk(), open(vhost), channelOpen(1));
    await until(/^1 20\.11$/);
  }
  return { send, until, close: () => socket.destroy() };
}

const QUIET_MS = 150;

export type Frame = { readonly type: number; readonly channel: number; readonly payload: Buffer };

/** The whole frames in these bytes, and what is left of them. */
export function split(bytes: Buffer): { frames: readonly Frame[]; rest: Buffer } {
  const frames: Frame[] = [];
  let at = 0;
  while (bytes.length - at >= 8 && (bytes[at] ?? 0) <= 8) {
    const size = bytes.readUInt32BE(at + 3);
    if (bytes.length - at < size + 8) break;
    const payload = bytes.subarray(at + 7, at + 7 + size);
    frames.push({ type: bytes.readUInt8(at), channel: bytes.readUInt16BE(at + 1), payload });
    at += size + 8;
  }
  return { frames, rest: bytes.subarray(at) };
}

function shown(bytes: Buffer): string[] {
  const { frames, rest } = split(bytes);
  const odd = rest.length === 0 ? [] : [`bytes ${JSON.stringify(rest.toString("latin1"))}`];
  return [...frames.map(line), ...odd];
}

const CLOSES = new Set(["10.50", "20.40"]);

function line({ type, channel, payload }: Frame): string {
  if (type === 8) return `${channel} heartbeat`;
  if (type === 2) return `${channel} header ${payload.readUInt32BE(8)}`;
  if (type === 3) return `${channel} body ${payload.length}`;
  const id = `${payload.readUInt16BE(0)}.${payload.readUInt16BE(2)}`;
  if (!CLOSES.has(id)) return `${channel} ${id}`;
  const length = payload.readUInt8(6);
  const text = payload.toString("utf8", 7, 7 + length);
  const by = `${payload.readUInt16BE(7 + length)}.${payload.readUInt16BE(9 + length)}`;
  return `${channel} ${id} ${payload.readUInt16BE(4)} ${text} (${by})`;
}
