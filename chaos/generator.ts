/** Publishes at a steady rate over HTTP, from outside the runners, and keeps what was answered. */
import { createHash } from "node:crypto";
import { once } from "node:events";
import { Agent, request } from "node:http";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { createRandom, type Random } from "../test/support/random.ts";
import { now } from "./clock.ts";
import type { Answer, Sent, WorkQueue } from "./ledger.ts";
import type { Job, Script } from "./project/src/job/run.ts";

export type GeneratorOptions = {
  readonly seed: number;
  /** Messages a second. */
  readonly rate: number;
  /** Urls of the runners that take requests; may change, and be empty. */
  readonly targets: () => readonly string[];
};

/** Longer than a runner takes to give up a publish. */
const ANSWER_TIMEOUT_MS = 12_000;
const TICK_MS = 20;
/** Before the first second try; doubled for each that follows. */
const RETRY_MS = 500;
const MAX_RETRY_MS = 4_000;
/** As clients have a pool of connections: with so many unanswered nothing new is sent. */
const MAX_OPEN = 600;

/** Refusals by which the message was certainly not sent. */
const NOT_SENT = new Set(["blocked", "disconnected", "overloaded", "stopping", "unroutable"]);

export class Generator {
  readonly #options: GeneratorOptions;
  readonly #random: Random;
  readonly #agent = new Agent({ keepAlive: true });
  readonly sent = new Map<string, Sent>();
  readonly answers: Answer[] = [];
  readonly #open = new Set<Promise<void>>();
  #isAbandoned = false;
  #isCalm = false;
  #seq = 0;

  constructor(options: GeneratorOptions) {
    this.#options = options;
    this.#random = createRandom(options.seed);
  }

  /** Sends until `signal` aborts; what is unknown then goes on being tried. */
  async run(signal: AbortSignal): Promise<void> {
    let due = 0;
    for (let last = now(); !signal.aborted; ) {
      // What could not be sent in time is not made up for.
      due = Math.min(due, this.#seq + 1) + ((now() - last) * this.#options.rate) / 1_000;
      last = now();
      while (this.#seq < due && this.#open.size < MAX_OPEN) this.#sendNext();
      await sleep(TICK_MS);
    }
  }

  /** No more scripts that take long: the end is near. */
  calmDown(): void {
    this.#isCalm = true;
  }

  /** How many have no final answer yet. */
  get open(): number {
    return this.#open.size;
  }

  /** Tries nothing again, waits for the answers under way, and closes the sockets. */
  async abandon(): Promise<void> {
    this.#isAbandoned = true;
    await Promise.all(this.#open);
    this.#agent.destroy();
  }

  #sendNext(): void {
    const seq = this.#seq++;
    const id = `${this.#options.seed}-${seq}`;
    const queue = this.#queueOf(seq);
    const job = makeJob(id, seq, this.#scriptOf(), this.#random);
    const { script } = job;
    const sent: Sent = {
      id,
      queue,
      script,
      at: now(),
      tries: 0,
      state: "pending",
      wasUnknown: false,
    };
    this.sent.set(id, sent);
    const sending = this.#send(sent, bodyOf(job, queue)).finally(() => this.#open.delete(sending));
    this.#open.add(sending);
  }

  #queueOf(seq: number): WorkQueue {
    if (seq % 20 === 19) return "victim_jobs";
    return seq % 2 === 0 ? "classic_jobs" : "quorum_jobs";
  }

  #scriptOf(): Script {
    const n = this.#random.below(1_000);
    if (n < 10) return "once";
    if (n < 15) return "always";
    if (this.#isCalm) return "fine";
    if (n < 17) return "hang";
    return n === 17 ? "exit" : "fine";
  }

  async #send(sent: Sent, body: string): Promise<void> {
    for (let waitMs = RETRY_MS; ; waitMs = Math.min(2 * waitMs, MAX_RETRY_MS)) {
      const target = this.#target(sent);
      const answer = await this.#post(target, body);
      this.answers.push(answer);
      if (target !== undefined) sent.tries += 1;
      sent.state = stateAfter(sent, answer);
      if (sent.state !== "unknown") return;
      sent.wasUnknown = true;
      if (this.#isAbandoned) return;
      await sleep(waitMs);
    }
  }

  #target({ tries }: Sent): string | undefined {
    const targets = this.#options.targets();
    return targets[(this.#seq + tries) % targets.length];
  }

  async #post(target: string | undefined, body: string): Promise<Answer> {
    const at = now();
    const result = target === undefined ? "ECONNREFUSED" : await this.#exchange(target, body);
    return { at, ms: now() - at, isAccepted: result === "202", text: result };
  }

  /** @returns the status with the problem's code, or the error's code. */
  async #exchange(target: string, body: string): Promise<string> {
    try {
      const call = request(`${target}/publish`, {
        method: "POST",
        agent: this.#agent,
        headers: { "content-type": "application/json", "content-length": Buffer.byteLength(body) },
        signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
      });
      call.end(body);
      const [response] = await once(call, "response");
      const content = await text(response);
      if (response.statusCode === 202) return "202";
      return `${response.statusCode} ${(JSON.parse(content) as { code: string }).code}`;
    } catch (error) {
      const { code, name } = error as Error & { code?: unknown };
      return typeof code === "string" ? code : name;
    }
  }
}

function stateAfter(sent: Sent, { isAccepted, text: answered }: Answer): Sent["state"] {
  if (isAccepted) return "accepted";
  const [status, code] = answered.split(" ");
  const isCertain =
    answered === "ECONNREFUSED" ||
    status?.startsWith("4") ||
    (status === "503" && NOT_SENT.has(code ?? ""));
  // An earlier try may have arrived.
  return isCertain && !sent.wasUnknown ? "refused" : "unknown";
}

function makeJob(id: string, seq: number, script: Script, random: Random): Job {
  const size = random.below(50) === 0 ? 20_000 : 50 + random.below(2_000);
  const pad = `${id}:`.repeat(Math.ceil(size / (id.length + 1)));
  return { id, seq, script, pad, sha256: createHash("sha256").update(pad).digest("hex") };
}

function bodyOf(job: Job, queue: WorkQueue): string {
  const event = `job.${queue.replace("_jobs", "")}`;
  return JSON.stringify({
    exchange: queue === "victim_jobs" ? "victims" : "jobs",
    routing_key: event,
    message_id: job.id,
    headers: { "chaos-sha256": job.sha256 },
    message: { event_type: event, ...job },
  });
}
