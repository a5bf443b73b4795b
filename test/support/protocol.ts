/** What amqplib itself does not send. */
import type { Channel } from "amqplib";

/** Sends what no RabbitMQ takes (a prefetch of bytes): it ends the whole connection, with 540. */
export function breakRules(channel: Channel): void {
  const basicQos = (60 << 16) | 10;
  const fields = { prefetchSize: 1, prefetchCount: 0, global: false };
  (channel as unknown as { sendImmediately(method: number, fields: object): void }).sendImmediately(
    basicQos,
    fields,
  );
}

/** What a broker sends that ends a connection for an error: connection.close. */
export function connectionClose(code: number, text: string): Buffer {
  return frame(1, 0, u16(10), u16(50), u16(code), shortString(text), u16(0), u16(0));
}

/** What a client sends of a queue that it declares: the name with its length, and the flags after it. */
export function declaredQueue(name: string, flags: number): Buffer {
  return Buffer.concat([shortString(name), Buffer.from([flags])]);
}

/** Publishes a header that no client can decode. */
export function publishUnreadable(channel: Channel, exchange: string, key: string): void {
  publishNested(channel, { exchange, key, depth: 6_000 });
}

/** Publishes a header `a` that holds a table `a` in a table `a` …, and a header `kept` that is true. */
export function publishNested(
  channel: Channel,
  {
    exchange,
    key,
    depth,
  }: { readonly exchange: string; readonly key: string; readonly depth: number },
): void {
  let nested = u32(0);
  for (let level = 1; level < depth; level++) nested = tableOf(field("a", "F", nested));
  const table = tableOf(field("a", "F", nested), field("kept", "t", Buffer.from([1])));
  const { ch, connection } = channel as unknown as {
    readonly ch: number;
    readonly connection: { readonly stream: { write(bytes: Buffer): void } };
  };
  const names = [shortString(exchange), shortString(key)];
  const noFlags = Buffer.from([0]);
  const publish = frame(1, ch, u16(60), u16(40), u16(0), ...names, noFlags);
  const onlyHeaders = u16(1 << 13);
  const header = frame(2, ch, u16(60), u16(0), u32(0), u32(2), onlyHeaders, table);
  connection.stream.write(Buffer.concat([publish, header, frame(3, ch, Buffer.from("{}"))]));
}

function frame(type: number, channel: number, ...payload: Buffer[]): Buffer {
  const content = Buffer.concat(payload);
  const head = Buffer.concat([Buffer.from([type]), u16(channel), u32(content.length)]);
  return Buffer.concat([head, content, Buffer.from([0xce])]);
}

function tableOf(...fields: Buffer[]): Buffer {
  const content = Buffer.concat(fields);
  return Buffer.concat([u32(content.length), content]);
}

function field(name: string, type: string, value: Buffer): Buffer {
  return Buffer.concat([shortString(name), Buffer.from(type), value]);
}

function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function shortString(text: string): Buffer {
  return Buffer.concat([Buffer.from([text.length]), Buffer.from(text)]);
}
