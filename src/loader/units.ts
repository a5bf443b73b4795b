/** Durations, sizes and rates as a user writes them: one number, one unit. */

export type Quantity = "duration" | "size" | "rate";

/** How each quantity is written; for messages and docs. */
export const EXAMPLES: Readonly<Record<Quantity, string>> = {
  duration: "a duration such as 500ms, 30s, 5m, 1h or 7d",
  size: "a size such as 512B, 64KiB, 10MiB or 1GiB",
  rate: "none, or a rate such as 50/s, 90/m or 10/h",
};

const SECOND = 1_000;
const DAY = 86_400 * SECOND;
const factors: Readonly<Record<Quantity, ReadonlyMap<string, number>>> = {
  duration: new Map([
    ["ms", 1],
    ["s", SECOND],
    ["m", 60 * SECOND],
    ["h", 3_600 * SECOND],
    ["d", DAY],
  ]),
  size: new Map([
    ["B", 1],
    ["kB", 1_000],
    ["MB", 1_000_000],
    ["GB", 1_000_000_000],
    ["KiB", 1024],
    ["MiB", 1024 ** 2],
    ["GiB", 1024 ** 3],
  ]),
  rate: new Map([
    ["/h", 1],
    ["/m", 60],
    ["/s", 3_600],
  ]),
};
const base: Readonly<Record<Quantity, string>> = {
  duration: "milliseconds",
  size: "bytes",
  rate: "runs an hour",
};
/** What is written without a unit, where no unit keeps it whole. */
const smallest: Readonly<Record<Quantity, string>> = { duration: "ms", size: "B", rate: "/h" };

export type Parsed =
  | { readonly ok: true; readonly value: number }
  | { readonly ok: false; readonly message: string };

/**
 * Reads `1.5s` as 1500 or `64KiB` as 65536.
 *
 * @returns whole milliseconds, bytes or runs an hour, or what is wrong in words.
 */
export function parseQuantity(kind: Quantity, text: string): Parsed {
  const match = /^(0|[1-9]\d*)(?:\.(\d+))?(\/?[A-Za-z]+)$/.exec(text);
  const [, whole = "", fraction = "", unit = ""] = match ?? [];
  const factor = factors[kind].get(unit);
  if (factor === undefined || (kind === "rate" && fraction !== "")) {
    return { ok: false, message: `must be ${EXAMPLES[kind]}, found ${JSON.stringify(text)}` };
  }
  // Integers throughout: 1.1 * 1000 is not 1100 in floating point.
  const scaled = BigInt(whole + fraction) * BigInt(factor);
  const scale = 10n ** BigInt(fraction.length);
  const value = Number(scaled / scale);
  if (scaled % scale !== 0n || !Number.isSafeInteger(value)) {
    return { ok: false, message: `must be whole ${base[kind]}, found ${text}` };
  }
  return { ok: true, value };
}

/** Writes milliseconds, bytes or runs an hour with the largest unit that keeps them whole: 60000 as `1m`. */
export function formatQuantity(kind: Quantity, value: number): string {
  const fitting = [...factors[kind]].filter(([, factor]) => value !== 0 && value % factor === 0);
  const [unit, factor] = fitting.at(-1) ?? [smallest[kind], 1];
  return `${value / factor}${unit}`;
}

/** Milliseconds of a duration that the schema has accepted; undefined if there is none. */
export function millisecondsOf(text: string | undefined): number | undefined {
  const parsed = text === undefined ? undefined : parseQuantity("duration", text);
  return parsed?.ok ? parsed.value : undefined;
}

/** A duration of whole seconds as brokers write the age of a stream: `7D`, `12h`, in its own unit. */
export function maxAgeOf(text: string | undefined): string | undefined {
  const ms = millisecondsOf(text);
  if (text === undefined || ms === undefined) return undefined;
  const written = /^\d+[smhd]$/.test(text) ? text : formatQuantity("duration", ms);
  return written.replace("d", "D");
}

/** Bytes of a size that the schema has accepted; undefined if there is none. */
export function bytesOf(text: string | undefined): number | undefined {
  const parsed = text === undefined ? undefined : parseQuantity("size", text);
  return parsed?.ok ? parsed.value : undefined;
}

/** Runs an hour of a rate that the schema has accepted; undefined if there is none, or `none`. */
export function perHourOf(text: string | undefined): number | undefined {
  const parsed = text === undefined ? undefined : parseQuantity("rate", text);
  return parsed?.ok ? parsed.value : undefined;
}
