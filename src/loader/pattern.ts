/** Patterns of policies: the broker reads them with PCRE, which knows more than JavaScript does. */

export type Pattern =
  | {
      readonly ok: true;
      /** Whether it is found in a name; null: only the broker can tell. */
      readonly matches: ((name: string) => boolean) | null;
    }
  | { readonly ok: false; readonly problem: string };

/** RabbitMQ 4.3 takes no longer one. */
const MAX_BYTES = 1_024;

/** Flags that may stand at the head, and mean the same in both. */
const flags = /^\(\?([ims]+)\)/;

/**
 * What PCRE alone knows, or reads otherwise: atomic and named groups, comments, conditions,
 * possessive quantifiers, character classes by name, an empty class, escapes.
 */
const pcreOnly = /\(\?[>#|&RP(+\-\da-zA-Z]|\(\*|[*+?}]\+|\[\[:|\[\^?\]|\\[AZzGQEhHRKXCgae]/;

/** What it refuses, and JavaScript does not. */
const refused = /(?<!\\)(?:\\\\)*(\\[uULl]|\\N\{)/;

/** A quantified group whose only content is quantified: `(a+)+` takes exponential time. */
const catastrophic = /\((?:\?:)?(?:\[[^\]]*\]|\\.|[^()[\]\\])[+*]\)[+*]/;

/** Whether a pattern takes exponential time on some texts. */
export function isCatastrophic(pattern: string): boolean {
  return catastrophic.test(pattern);
}

/** Reads the pattern of a policy. */
export function readPattern(text: string): Pattern {
  const bytes = Buffer.byteLength(text);
  if (bytes > MAX_BYTES) return { ok: false, problem: `is ${bytes} bytes, at most ${MAX_BYTES}` };
  const unknown = refused.exec(text)?.[1];
  if (unknown !== undefined)
    return { ok: false, problem: `has ${unknown}, which PCRE does not know` };
  const head = flags.exec(text);
  const body = text.slice(head?.[0].length ?? 0);
  if (pcreOnly.test(body)) return { ok: true, matches: null };
  try {
    const expression = new RegExp(body, head?.[1] ?? "");
    return {
      ok: true,
      matches: isCatastrophic(body) ? null : (name) => expression.test(name),
    };
  } catch (error) {
    const [, reason] = /.*: (.+)$/.exec(String(error)) ?? [];
    return { ok: false, problem: `is no regular expression: ${reason ?? "it can't be read"}` };
  }
}
