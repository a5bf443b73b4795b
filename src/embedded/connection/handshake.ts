/** How a connection begins: who the client is, and what both can do. */

import { type Broker, VERSION } from "../model/broker.ts";
import { AmqpError } from "../protocol/errors.ts";
import {
  type Field,
  longstr,
  lookup,
  readTable,
  type Table,
  tableField,
  textOf,
} from "../protocol/fields.ts";
import type { Args } from "../protocol/methods.ts";

export const PROTOCOL_HEADER = Buffer.from([0x41, 0x4d, 0x51, 0x50, 0, 0, 9, 1]);
/** Of AMQP 0-9, whose clients get along with 0-9-1. */
const OLD_HEADER = Buffer.from([0x41, 0x4d, 0x51, 0x50, 1, 1, 0, 9]);

/** What the server offers. */
export const LIMITS = { channelMax: 2047, frameMax: 131_072, heartbeat: 60 } as const;
/** What every peer has to take. */
export const FRAME_MIN = 4096;

const CAPABILITIES = [
  "publisher_confirms",
  "exchange_exchange_bindings",
  "basic.nack",
  "consumer_cancel_notify",
  "connection.blocked",
  "consumer_priorities",
  "authentication_failure_close",
  "per_consumer_qos",
  "direct_reply_to",
];

export function isProtocolHeader(bytes: Buffer): boolean {
  return bytes.equals(PROTOCOL_HEADER) || bytes.equals(OLD_HEADER);
}

export function startMethod(): Args<"connection.start"> {
  const yes: Field = { type: "bool", value: true };
  const capabilities = tableField(CAPABILITIES.map((name) => [name, yes]));
  const serverProperties: Table = [
    ["capabilities", capabilities],
    ["cluster_name", longstr("warren@localhost")],
    ["copyright", longstr("MIT License")],
    ["information", longstr("an AMQP broker in memory, which behaves as RabbitMQ does")],
    ["platform", longstr(`Node.js ${process.version}`)],
    ["product", longstr("warren embedded broker")],
    ["version", longstr(VERSION)],
  ];
  return {
    versionMajor: 0,
    versionMinor: 9,
    serverProperties,
    mechanisms: Buffer.from("AMQPLAIN PLAIN"),
    locales: Buffer.from("en_US"),
  };
}

/** What a client said of itself. */
export type ClientFacts = {
  readonly user: string;
  readonly name: string | undefined;
  readonly tellsCancels: boolean;
  readonly tellsBlocks: boolean;
};

/**
 * @throws {AmqpError} 403 for wrong credentials, 502 for what holds none, 503 for an unknown way
 *   to give them.
 */
export function logIn(broker: Broker, args: Args<"connection.start-ok">): ClientFacts {
  const { mechanism, clientProperties, response } = args;
  const { user, password } = credentialsOf(mechanism, response);
  if (!broker.users.isKnown(user, password)) {
    const text = `Login was refused using authentication mechanism ${mechanism}. For details see the broker logfile.`;
    throw new AmqpError("access-refused", text);
  }
  return {
    user,
    name: textOf(lookup(clientProperties, "connection_name")),
    tellsCancels: has(clientProperties, "consumer_cancel_notify"),
    tellsBlocks: has(clientProperties, "connection.blocked"),
  };
}

/** Whether a client is told why it was refused, which it has to ask for. */
export function isToldWhy(clientProperties: Table, error: unknown): boolean {
  const isRefused = error instanceof AmqpError && error.replyCode === 403;
  return isRefused && has(clientProperties, "authentication_failure_close");
}

/** Whether the client has said that it can do that. */
function has(clientProperties: Table, capability: string): boolean {
  const capabilities = lookup(clientProperties, "capabilities");
  if (capabilities?.type !== "table") return false;
  return lookup(readTable(capabilities.value), capability)?.value === true;
}

/** @throws {AmqpError} 530 for what is beyond the server's limits. */
export function checkTuning({ frameMax, channelMax }: Args<"connection.tune-ok">): void {
  negotiate("frame_max", frameMax, { least: FRAME_MIN, most: LIMITS.frameMax });
  negotiate("channel_max", channelMax, { least: 1, most: LIMITS.channelMax });
}

function negotiate(
  what: string,
  value: number,
  { least, most }: { readonly least: number; readonly most: number },
): void {
  const no = value === 0 ? " (no limit)" : "";
  const refused = (word: string, extreme: string, limit: number) =>
    new AmqpError(
      "not-allowed",
      `negotiated ${what} = ${value}${no} is ${word} than the ${extreme} allowed value (${limit})`,
    );
  if (value !== 0 && value < least) throw refused("lower", "minimum", least);
  if (value === 0 || value > most) throw refused("higher", "maximum", most);
}

type Credentials = { readonly user: string; readonly password: string };

function credentialsOf(mechanism: string, response: Buffer): Credentials {
  if (mechanism === "PLAIN") {
    const [, user = "", password = ""] = response.toString().split("\0");
    return { user, password };
  }
  if (mechanism === "AMQPLAIN") {
    const table = readTable(response);
    const user = textOf(lookup(table, "LOGIN")) ?? "";
    return { user, password: textOf(lookup(table, "PASSWORD")) ?? "" };
  }
  throw new AmqpError("command-invalid", `unknown authentication mechanism '${mechanism}'`);
}
