/** Messages byte for byte. */
import amqplib from "amqplib";
import { startProxy } from "../../support/proxy.ts";

const HEADER_FRAME = 2;

/** The properties of a queue's first message, as the broker sends them; it goes back there. */
export async function rawProperties(url: string, queue: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  const proxy = await startProxy(Number(new URL(url).port), {
    openTap: () => ({
      fromClient: () => undefined,
      fromTarget: (chunk) => void chunks.push(chunk),
      ended: () => undefined,
    }),
  });
  try {
    const connection = await amqplib.connect(proxy.url(url));
    const channel = await connection.createChannel();
    const message = await channel.get(queue, { noAck: false });
    if (message === false) throw new Error(`queue ${queue} is empty`);
    await channel.close();
    await connection.close();
  } finally {
    await proxy.close();
  }
  const properties = framesOf(Buffer.concat(chunks)).find(({ type }) => type === HEADER_FRAME);
  if (!properties) throw new Error("no message came");
  return properties.payload.subarray(12);
}

/** The fields of the header table in such properties, without its length; only headers and delivery mode are set. */
export function headersIn(properties: Buffer): Buffer {
  const length = properties.readUInt32BE(2);
  return properties.subarray(6, 6 + length);
}

function framesOf(bytes: Buffer): readonly { readonly type: number; readonly payload: Buffer }[] {
  const frames = [];
  for (let at = 0; at + 7 < bytes.length; ) {
    const end = at + 7 + bytes.readUInt32BE(at + 3);
    frames.push({ type: bytes.readUInt8(at), payload: bytes.subarray(at + 7, end) });
    at = end + 1;
  }
  return frames;
}
