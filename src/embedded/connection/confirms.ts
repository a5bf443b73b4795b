/** The numbers of the messages that a channel's client wants to hear of, and how they went. */

export class Confirms {
  #last = 0;
  #acked: number[] = [];
  #nacked: number[] = [];

  get isPending(): boolean {
    return this.#acked.length + this.#nacked.length > 0;
  }

  next(isAccepted: boolean): void {
    this.#last += 1;
    (isAccepted ? this.#acked : this.#nacked).push(this.#last);
  }

  /** Those since the last call; several acks in a row as one. */
  send(say: (name: "basic.ack" | "basic.nack", tag: number, multiple: boolean) => void): void {
    const [acked, nacked] = [this.#acked, this.#nacked];
    this.#acked = [];
    this.#nacked = [];
    const firstNack = nacked[0] ?? Number.POSITIVE_INFINITY;
    const together = acked.filter((tag) => tag < firstNack);
    const lastTogether = together.at(-1);
    if (lastTogether !== undefined) say("basic.ack", lastTogether, together.length > 1);
    for (const tag of acked.slice(together.length)) say("basic.ack", tag, false);
    for (const tag of nacked) say("basic.nack", tag, false);
  }
}
