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

/** Publishes a header that holds a table in a table in a table …: no client can decode it. */
export function publishUnreadable(channel: Channel, exchange: string, key: string): void {
  let table = u32(0);
  for (let depth = 0; depth < 6_000; depth++) {
    table = Buffer.concat([u32(table.length + 3), shortString("a"), Buffer.from("F"), table]);
  }
  const { ch, connection } = channel as unknown as {
    readonly ch: number;
    readonly connection: { readonly stream: { write(bytes: Buffer): void } };
  };
  const frame = (type: number, ...payload: Buffer[]) => {
    const content = Buffer.concat(payload);
    const head = Buffer.concat([Buffer.from([type]), u16(ch), u32(content.length)]);
    return Buffer.concat([head, content, Buffer.from([0xce])]);
  };
  const names = [shortString(exchange), shortString(key)];
  const noFlags = Buffer.from([0]);
  const publish = frame(1, u16(60), u16(40), u16(0), ...names, noFlags);
  const onlyHeaders = u16(1 << 13);
  const header = frame(2, u16(60), u16(0), u32(0), u32(2), onlyHeaders, table);
  connection.stream.write(Buffer.concat([publish, header, frame(3, Buffer.from("{}"))]));
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
