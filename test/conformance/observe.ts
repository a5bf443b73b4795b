/** What a client sees of a broker, as plain values: two brokers are equal if these are. */
import type { ConsumeMessageFields, GetMessage, Message as ReceivedMessage } from "amqplib";

/** A message as amqplib hands it over, by consume, get or return. */
export type Message = ReceivedMessage | GetMessage;

/** A reply's fields, "ok" for an empty reply, or the text of `closing`. */
export type Answer = unknown;

/** All of a message but what is absent. */
export function whole(message: Message): Record<string, unknown> {
  const { fields, properties, content } = message;
  const { consumerTag: _, ...seen } = fields as Partial<ConsumeMessageFields>;
  return defined({ body: content.toString("utf8"), ...seen, ...properties });
}

/** Its body, and whether it comes again. */
export function brief({ content, fields }: Message): string {
  return fields.redelivered ? `${content} again` : content.toString("utf8");
}

/** `brief` of each, in a line. */
export function briefs(messages: readonly Message[]): string {
  return messages.map(brief).join(", ");
}

/** The headers alone. */
export function headersOf({ properties }: Message): Readonly<Record<string, unknown>> {
  return properties.headers ?? {};
}

/** What was closed, by whom and why: `channel 404 NOT_FOUND - no queue … (queue.declare)`. */
export function closing(what: "channel" | "connection", reason: Error | undefined): string {
  if (reason === undefined) return `${what} closed by the client`;
  const { code, classId, methodId } = reason as Error & Record<string, unknown>;
  const text = / with message "(.*)"$/s.exec(reason.message)?.[1];
  if (text === undefined) return `${what} closed by the client: ${reason.message}`;
  const by = classId === undefined ? "" : ` (${classId}.${methodId})`;
  return `${what} ${code} ${text}${by}`;
}

/**
 * The value with what no two brokers can have in common replaced by words that stand for it: the
 * vhost's name, generated names (numbered as they come), times, nodes.
 */
export function normalise(value: unknown, vhost: string): unknown {
  const names = new Map<string, string>();
  const numbered = (name: string) => {
    const known = names.get(name) ?? `<${prefixOf(name)} ${names.size + 1}>`;
    names.set(name, known);
    return known;
  };
  const text = (one: string) =>
    one
      .replaceAll(vhost, "<vhost>")
      .replaceAll(/amq\.(gen|ctag)-[\w-]+/g, numbered)
      .replaceAll(/\brabbit\w*@[\w.-]+/g, "<node>")
      .replaceAll(/<\d+\.\d+\.\d+>/g, "<pid>");
  const any = (one: unknown): unknown => {
    if (typeof one === "string") return text(one);
    if (typeof one !== "object" || one === null) return one;
    if (Buffer.isBuffer(one)) return { hex: one.toString("hex") };
    if (Array.isArray(one)) return one.map(any);
    const { "!": type } = one as { readonly "!"?: unknown };
    if (type === "timestamp") return "<time>";
    return Object.fromEntries(
      Object.entries(one).map(([key, inner]) => [text(key), any(inner)] as const),
    );
  };
  return any(value);
}

function prefixOf(name: string): string {
  return name.startsWith("amq.gen") ? "amq.gen" : "amq.ctag";
}

function defined(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
