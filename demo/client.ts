/** The demo's side of HTTP: publish a message, and follow it until every queue is done with it. */
import { setTimeout } from "node:timers/promises";
import type { TracedDelivery, TracedOutcome } from "../src/runtime/trace.ts";

/** A refusal or silence of the runner, told to the user as it is. */
export class DemoError extends Error {
  override readonly name = "DemoError";
}

export type Published = {
  readonly message_id: string;
  readonly exchange: string;
  readonly routing_key: string;
};

const followMs = 15_000;
const pollMs = 50;

/** @throws {DemoError} if nothing listens there or the answer is not 202. */
export async function publish(url: string, path: string, body: object): Promise<Published> {
  return JSON.parse(await post(new URL(path, url), body, 202)) as Published;
}

/** @throws {DemoError} if nothing listens there or the answer is not 200. */
export async function ask(url: string, path: string, body: object): Promise<string> {
  return await post(new URL(path, url), body, 200);
}

async function post(url: URL, body: object, status: number): Promise<string> {
  const headers = { "content-type": "application/json" };
  const response = await request(url, { method: "POST", headers, body: JSON.stringify(body) });
  const text = await response.text();
  if (response.status !== status) throw new DemoError(`answered ${response.status}: ${text}`);
  return text;
}

/**
 * The last run in each of these queues, once all have ended or 15 s are over; a queue that nothing
 * is known of is missing.
 *
 * @throws {DemoError} if nothing listens there any more.
 */
export async function follow(
  url: string,
  messageId: string,
  queues: readonly string[],
): Promise<ReadonlyMap<string, TracedDelivery>> {
  const deadline = Date.now() + followMs;
  for (;;) {
    const last = await lastDeliveries(url, messageId);
    const isDone = queues.every((queue) => hasEnded(last.get(queue)));
    if (isDone || Date.now() > deadline) return last;
    await setTimeout(pollMs);
  }
}

const lastOutcomes: readonly TracedOutcome[] = ["handled", "dead-lettered", "dropped"];

function hasEnded(delivery: TracedDelivery | undefined): boolean {
  return delivery !== undefined && lastOutcomes.includes(delivery.outcome);
}

async function lastDeliveries(
  url: string,
  messageId: string,
): Promise<ReadonlyMap<string, TracedDelivery>> {
  const response = await request(new URL(`/trace/${encodeURIComponent(messageId)}`, url));
  if (!response.ok) return new Map();
  const trace = (await response.json()) as { readonly deliveries: readonly TracedDelivery[] };
  // They come oldest first: the last of a queue stays.
  return new Map(trace.deliveries.map((delivery) => [delivery.queue, delivery]));
}

async function request(url: URL, init: RequestInit = {}): Promise<Response> {
  try {
    return await fetch(url, init);
  } catch {
    throw new DemoError(`nothing listens at ${url.origin}: start it with \`npm start\``);
  }
}
