/** How reports say things. */

export type Report = { readonly isPass: boolean; readonly text: string };

type Violations = Readonly<Record<string, readonly string[]>>;

/** A run passes that has no violations; its lines may say so. */
export function tell(
  violations: Violations,
  linesOf: (isPass: boolean) => readonly string[],
): Report {
  const isPass = Object.values(violations).every(({ length }) => length === 0);
  return { isPass, text: linesOf(isPass).join("\n") };
}

/** How many of the messages concerned are named for each violation. */
const SHOWN = 10;

/** What was wrong, with its name. */
export function wrongs(violations: Violations): readonly string[] {
  return Object.entries(violations).flatMap(([name, found]) => {
    if (found.length === 0) return [];
    const more = found.length > SHOWN ? [`  … and ${found.length - SHOWN} more`] : [];
    return [`${name}: ${found.length}`, ...found.slice(0, SHOWN).map((one) => `  ${one}`), ...more];
  });
}

/** Value → how often. */
export function count(values: readonly string[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const value of values) counts[value] = (counts[value] ?? 0) + 1;
  return counts;
}

/** `name number, name number` */
export function list(counts: Readonly<Record<string, number>>): string {
  const parts = Object.entries(counts).map(([name, number]) => `${name} ${number}`);
  return parts.length === 0 ? "none" : parts.join(", ");
}
