/** The numbers of the messages that a channel's client wants to hear of, and how they went. */

export class Confirms {
  #last = 0;
  /** The last one that the client has heard of. */
  #told = 0;
  #nacked: number[] = [];

  next(isAccepted: boolean): void {
    this.#last += 1;
    if (!isAccepted) this.#nacked.push(this.#last);
  }

  /** Those since the last call, in their order; several acks in a row as one. */
  send(say: (name: "basic.ack" | "basic.nack", tag: number, multiple: boolean) => void): void {
    const nacked = this.#nacked;
    this.#nacked = [];
    for (const tag of nacked) {
      this.#ack(tag - 1, say);
      say("basic.nack", tag, false);
      this.#told = tag;
    }
    this.#ack(this.#last, say);
  }

  #ack(last: number, say: Parameters<Confirms["send"]>[0]): void {
    if (last > this.#told) say("basic.ack", last, last - this.#told > 1);
    this.#told = last;
  }
}
