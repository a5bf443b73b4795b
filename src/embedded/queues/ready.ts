/** Messages that wait in a queue, in the order in which they leave it. */
import type { Entry } from "./entry.ts";

export type Ready = {
  readonly length: number;
  /** Of their bodies, or of all of them, as the queue counts them. */
  readonly bytes: number;
  push(entry: Entry): void;
  /** Back, after a consumer had them, the first one first. */
  giveBack(entries: readonly Entry[]): void;
  peek(): Entry | undefined;
  shift(): Entry | undefined;
  /** Takes those out that have expired and that nothing stands before. */
  takeExpired(now: number): readonly Entry[];
  /** When the first of those expires that nothing stands before; undefined: none does. */
  nextExpiry(): number | undefined;
};

/** A line with a cheap head, also for those that come back to it. */
class Line {
  #entries: (Entry | undefined)[] = [];
  #head = 0;
  /** Those that came back and stand at their old places; the first one last. */
  readonly #back: Entry[] = [];

  get length(): number {
    return this.#entries.length - this.#head + this.#back.length;
  }

  push(entry: Entry): void {
    this.#entries.push(entry);
  }

  /** By its number: where it stood before. Cheap where it was the first. */
  insert(entry: Entry): void {
    let [start, end] = [0, this.#back.length];
    if ((this.#back.at(-1)?.number ?? Number.POSITIVE_INFINITY) > entry.number) start = end;
    while (start < end) {
      const middle = (start + end) >> 1;
      if ((this.#back[middle]?.number ?? 0) > entry.number) start = middle + 1;
      else end = middle;
    }
    this.#back.splice(start, 0, entry);
  }

  peek(): Entry | undefined {
    const [back, next] = [this.#back.at(-1), this.#entries[this.#head]];
    return back && next ? (back.number < next.number ? back : next) : (back ?? next);
  }

  shift(): Entry | undefined {
    const entry = this.peek();
    if (!entry) return undefined;
    if (entry === this.#back.at(-1)) this.#back.pop();
    else this.#advance();
    return entry;
  }

  #advance(): void {
    // What has left must not be kept, and moving the rest must stay rare.
    this.#entries[this.#head] = undefined;
    this.#head += 1;
    if (this.#head > 64 && this.#head * 2 > this.#entries.length) {
      this.#entries.splice(0, this.#head);
      this.#head = 0;
    }
  }
}

/** Lines of which the first that is not empty gives; `lineFor` says where an entry stands. */
class Lines implements Ready {
  readonly #lines: readonly Line[];
  readonly #lineFor: (entry: Entry, isBack: boolean) => number;
  readonly #isClassic: boolean;
  #length = 0;
  #bytes = 0;
  /** Of them, those that expire. */
  #mortal = 0;
  /** No line before it has an entry. */
  #firstLine = 0;

  constructor(
    count: number,
    lineFor: (entry: Entry, isBack: boolean) => number,
    { isClassic }: { readonly isClassic: boolean },
  ) {
    this.#lines = Array.from({ length: count }, () => new Line());
    this.#lineFor = lineFor;
    this.#isClassic = isClassic;
  }

  get length(): number {
    return this.#length;
  }

  get bytes(): number {
    return this.#bytes;
  }

  push(entry: Entry): void {
    this.#lineOf(entry, false)?.push(entry);
  }

  giveBack(entries: readonly Entry[]): void {
    if (!this.#isClassic) for (const entry of entries) this.#lineOf(entry, true)?.push(entry);
    // The last one first, so that each finds its place at the head.
    else for (const entry of entries.toReversed()) this.#lineOf(entry, true)?.insert(entry);
  }

  peek(): Entry | undefined {
    return this.#first()?.peek();
  }

  shift(): Entry | undefined {
    const entry = this.#first()?.shift();
    if (entry) this.#count(entry, -1);
    return entry;
  }

  takeExpired(now: number): readonly Entry[] {
    const expired: Entry[] = [];
    while (this.#mortal > 0) {
      const line = this.#heads().find((one) => isExpired(one.peek(), now));
      const entry = line?.shift();
      if (!entry) break;
      this.#count(entry, -1);
      expired.push(entry);
    }
    return expired;
  }

  nextExpiry(): number | undefined {
    if (this.#mortal === 0) return undefined;
    const times = this.#heads().flatMap((line) => line.peek()?.expiresAt ?? []);
    return times.length === 0 ? undefined : Math.min(...times);
  }

  /** Those whose heads expire: of a classic queue the first alone. */
  #heads(): readonly Line[] {
    const first = this.#first();
    if (!this.#isClassic) return this.#lines;
    return first ? [first] : [];
  }

  #first(): Line | undefined {
    if (this.#length === 0) return undefined;
    while (this.#lines[this.#firstLine]?.length === 0) this.#firstLine += 1;
    return this.#lines[this.#firstLine];
  }

  /** Where an entry is to stand, which is counted now. */
  #lineOf(entry: Entry, isBack: boolean): Line | undefined {
    this.#count(entry, 1);
    const line = this.#lineFor(entry, isBack);
    this.#firstLine = Math.min(this.#firstLine, line);
    return this.#lines[line];
  }

  #count(entry: Entry, sign: 1 | -1): void {
    this.#length += sign;
    this.#bytes += sign * entry.bytes;
    if (entry.expiresAt !== null) this.#mortal += sign;
  }
}

function isExpired(entry: Entry | undefined, now: number): boolean {
  return entry !== undefined && entry.expiresAt !== null && entry.expiresAt <= now;
}

/** A line for each priority, the highest first; a message comes back to its old place. */
export function classicReady(maxPriority: number): Ready {
  const lineFor = ({ message }: Entry) =>
    maxPriority - Math.min(message.properties.priority ?? 0, maxPriority);
  return new Lines(maxPriority + 1, lineFor, { isClassic: true });
}

const QUORUM_PRIORITIES = 32;
const QUORUM_PRIORITY = 4;

/** What came back goes first, in the order in which it did; then by priority, of which there are 32. */
export function quorumReady(): Ready {
  const lineFor = ({ message }: Entry, isBack: boolean) => {
    const priority = Math.min(
      message.properties.priority ?? QUORUM_PRIORITY,
      QUORUM_PRIORITIES - 1,
    );
    return isBack ? 0 : QUORUM_PRIORITIES - priority;
  };
  return new Lines(QUORUM_PRIORITIES + 1, lineFor, { isClassic: false });
}
