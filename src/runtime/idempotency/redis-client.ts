/** A connection to Redis with the three steps that a store takes, each of them one script. */
import { setTimeout as sleep } from "node:timers/promises";
import type { CommandParser } from "@redis/client";
import { messageOf } from "../../errors.ts";
import { NUMBERS } from "../../numbers.ts";
import type { BrokerAddress } from "../../topology.ts";
import { within } from "../../within.ts";

export type RedisConnection = {
  /** Refused when the connection ends before its answer. */
  run(step: Step, key: string, holder: string, ms?: number): Promise<number>;
};

export type Step = "take" | "finish" | "release";

const SILENCE = `no answer within ${NUMBERS.storeTimeoutMs} ms`;
const STOPPED = "the runner stops";

/** Between two looks whether it still answers, in milliseconds. */
const PING_MS = 1_000;

/** The value of a key is its holder, or this. */
const DONE = "done";

/** take: 0 done, 1 ours, 2 held. finish: 0 somebody else had it. The second argument is in milliseconds. */
const SCRIPTS: Readonly<Record<Step, string>> = {
  take: `
    local holder = redis.call('GET', KEYS[1])
    if holder == '${DONE}' then return 0 end
    if holder and holder ~= ARGV[1] then return 2 end
    redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
    return 1`,
  finish: `
    local holder = redis.call('GET', KEYS[1])
    redis.call('SET', KEYS[1], '${DONE}', 'PX', ARGV[2])
    if holder and holder ~= ARGV[1] and holder ~= '${DONE}' then return 0 end
    return 1`,
  release: `
    if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
    return 1`,
};

export type RedisPorts = {
  /** The connection is over, which had been there. */
  readonly onEnd: (reason: string) => void;
  /** Ends it, whatever it is at. */
  readonly signal: AbortSignal;
};

type Client = Awaited<ReturnType<typeof createRedis>>;

/** @throws {Error} when it is refused, or not there within the deadline of a store. */
export async function connectRedis(
  address: BrokerAddress,
  { onEnd, signal }: RedisPorts,
): Promise<RedisConnection> {
  const client = await createRedis(address);
  const over = new AbortController();
  let isOpen = false;
  const end = (reason: string) => {
    const wasOpen = isOpen;
    isOpen = false;
    over.abort(new Error(reason));
    if (client.isOpen) client.destroy();
    if (wasOpen && !signal.aborted) onEnd(reason);
  };
  client.on("error", (error: Error) => end(reasonOf(error)));
  signal.addEventListener("abort", () => end(STOPPED), { once: true, signal: over.signal });
  if (signal.aborted) end(STOPPED);
  try {
    await open(client, over.signal);
  } catch (error) {
    const reason = reasonOf(error);
    end(reason);
    throw new Error(reason, { cause: error });
  }
  isOpen = true;
  void watch(client, end);
  return {
    run: (step, key, holder, ms = 0) => client[step](key, holder, String(ms)),
  };
}

/**
 * A server that has frozen takes connections, and says nothing.
 *
 * @param over it has ended.
 */
async function open(client: Client, over: AbortSignal): Promise<void> {
  over.throwIfAborted();
  const opening = client.connect().then(() => true);
  // It may be refused when nobody waits for it any more.
  opening.catch(() => undefined);
  const ended = new Promise<boolean>((_, reject) => {
    over.addEventListener("abort", () => reject(over.reason), { once: true });
  });
  ended.catch(() => undefined);
  const isOpen = await within(Promise.race([opening, ended]), NUMBERS.storeTimeoutMs, false);
  if (!isOpen) throw new Error(SILENCE);
}

/** Answers come in order: while a ping is not answered, nothing after it is. */
async function watch(client: Client, end: (reason: string) => void): Promise<void> {
  while (client.isOpen) {
    const pong = client.ping().then(
      () => true,
      () => true,
    );
    if (!(await within(pong, NUMBERS.storeTimeoutMs, false))) end(SILENCE);
    await sleep(PING_MS, undefined, { ref: false });
  }
}

/** An error of both address families has no message, but a code. */
function reasonOf(error: unknown): string {
  const code = error instanceof Error && "code" in error ? String(error.code) : "no connection";
  return messageOf(error) || code;
}

/** Loaded when it is needed: most runners have no such store. */
async function createRedis({ url }: BrokerAddress) {
  const { createClient, defineScript } = await import("@redis/client");
  const script = (SCRIPT: string) =>
    defineScript({
      SCRIPT,
      NUMBER_OF_KEYS: 1,
      parseCommand: (parser: CommandParser, key: string, holder: string, ms: string) => {
        parser.pushKey(key);
        parser.push(holder, ms);
      },
      transformReply: (reply: unknown) => Number(reply),
    });
  return createClient({
    url,
    // Whoever needs it connects again.
    socket: { reconnectStrategy: false, connectTimeout: NUMBERS.storeTimeoutMs },
    maintNotifications: "disabled",
    scripts: {
      take: script(SCRIPTS.take),
      finish: script(SCRIPTS.finish),
      release: script(SCRIPTS.release),
    },
  });
}
