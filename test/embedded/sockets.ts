/** Bare sockets to a broker, which need not read and may send as much as they like. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { channelOpen, HEADER, open, startOk, tuneOk } from "../conformance/wire.ts";

const MIB = 1024 * 1024;

/** A connection with channel 1, whose answers are thrown away. */
export async function openSocket(port: number): Promise<Socket> {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  socket.on("error", () => undefined);
  socket.write(Buffer.concat([HEADER, startOk(), tuneOk(), open("/"), channelOpen(1)]));
  await once(socket, "data");
  socket.resume();
  return socket;
}

/** Sends this so often, as fast as it is taken, or until the broker has had enough. */
export async function flood(socket: Socket, bytes: Buffer, times: number): Promise<void> {
  const batch = Math.max(1, Math.min(times, Math.floor(MIB / bytes.length)));
  const whole = Buffer.concat(Array.from({ length: batch }, () => bytes));
  for (let sent = 0; sent < times && !socket.destroyed; sent += batch) {
    if (!socket.write(whole)) await drained(socket);
  }
}

export async function end(socket: Socket): Promise<void> {
  if (socket.closed) return;
  const closed = once(socket, "close");
  socket.destroy();
  await closed;
}

/** Or closed, for whatever reason. */
function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      socket.off("drain", done).off("close", done);
      resolve();
    };
    socket.on("drain", done).on("close", done);
  });
}
