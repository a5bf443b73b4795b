/** What handlers log, on its way to the runner's thread: at once, so that the last line is seen. */
import { messageOf } from "../../../errors.ts";
import type { Log } from "../../../handler.ts";
import { NUMBERS } from "../../../numbers.ts";
import type { FromThread } from "../protocol.ts";

export class ThreadLog implements Log {
  readonly #say: (message: FromThread) => void;
  #lines = 0;

  constructor(say: (message: FromThread) => void) {
    this.#say = say;
  }

  debug(fields: object, message: string): void {
    this.#write("debug", fields, message);
  }

  info(fields: object, message: string): void {
    this.#write("info", fields, message);
  }

  warn(fields: object, message: string): void {
    this.#write("warn", fields, message);
  }

  error(fields: object, message: string): void {
    this.#write("error", fields, message);
  }

  /** The loop has turned: as many lines again may be written. */
  turned(): void {
    const dropped = this.#lines - NUMBERS.maxLogLines;
    this.#lines = 0;
    if (dropped > 0) this.warn({ dropped }, "handlers log faster than anybody reads");
  }

  /** A loop that logs for ever must not bury the thread that writes it down. */
  #write(level: keyof Log, fields: object, message: string): void {
    this.#lines += 1;
    if (this.#lines > NUMBERS.maxLogLines) return;
    const text = toJson(fields);
    const isLong = text.length > NUMBERS.maxLogBytes;
    this.#say({
      type: "log",
      level,
      fields: isLong ? JSON.stringify({ cut: text.slice(0, NUMBERS.maxHeaderBytes) }) : text,
      message: messageOf(message).slice(0, NUMBERS.maxLogBytes),
    });
  }
}

/** Errors with their stacks; a cycle, a BigInt or a getter that throws is no reason to throw. */
function toJson(fields: object): string {
  const path: { readonly shown: unknown; readonly original: unknown }[] = [];
  try {
    return JSON.stringify(fields, function (this: unknown, _key, value: unknown) {
      path.splice(path.findIndex(({ shown }) => shown === this) + 1);
      if (typeof value === "bigint") return String(value);
      if (typeof value !== "object" || value === null) return value;
      if (path.some(({ original }) => original === value)) return "[circular]";
      const shown = value instanceof Error ? shownError(value) : value;
      path.push({ shown, original: value });
      return shown;
    });
  } catch (error) {
    return JSON.stringify({ unreadable: messageOf(error) });
  }
}

function shownError(error: Error): object {
  const { message, stack, cause } = error;
  return { ...error, message, stack, cause };
}
