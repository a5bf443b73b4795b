/** A client that waits for replies to its requests, which come to it without a queue. */
import type { Memory } from "../model/memory.ts";
import type { Message } from "../model/message.ts";
import type { Target } from "../model/vhost.ts";
import { token } from "./token.ts";

type ReplyPorts = {
  readonly memory: Memory;
  readonly canSend: () => boolean;
  readonly deliver: (message: Message) => void;
};

export class Replies implements Target {
  readonly tag: string;
  /** Under which it gets them. */
  readonly key = `amq.rabbitmq.reply-to.${token(32)}`;
  readonly #ports: ReplyPorts;
  /** Those that can't be sent yet are kept like any other message. */
  readonly #waiting: Message[] = [];

  constructor(tag: string, ports: ReplyPorts) {
    this.tag = tag;
    this.#ports = ports;
  }

  publish(message: Message): boolean {
    this.#waiting.push(message);
    this.#ports.memory.add(message.storedBytes);
    this.wake();
    return true;
  }

  /** The client reads again. */
  wake(): void {
    while (this.#waiting.length > 0 && this.#ports.canSend()) this.#take(this.#ports.deliver);
  }

  /** Nobody waits any more. */
  end(): void {
    while (this.#waiting.length > 0) this.#take(() => undefined);
  }

  #take(use: (message: Message) => void): void {
    const message = this.#waiting.shift();
    if (!message) return;
    this.#ports.memory.add(-message.storedBytes);
    use(message);
  }
}
