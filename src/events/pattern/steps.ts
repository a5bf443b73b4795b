/** The parts of a pattern → the steps of a nondeterministic automaton. */
import type { Assertion, Part } from "./parse.ts";
import type { Ranges } from "./ranges.ts";

/** A place in the automaton; `next` are indexes of others. */
export type Step =
  | { readonly kind: "set"; readonly set: Ranges; readonly next: number }
  | { readonly kind: "assertion"; readonly assertion: Assertion; readonly next: number }
  | { readonly kind: "split"; readonly next: readonly number[] }
  | { readonly kind: "match" };

/** @param spend told of every step that is made; throws when it is one too many. */
export function toSteps(
  part: Part,
  spend: (count: number) => void,
): { readonly steps: readonly Step[]; readonly start: number } {
  const steps: Step[] = [{ kind: "match" }];
  const add = (step: Step): number => {
    spend(1);
    return steps.push(step) - 1;
  };
  // Each gets where to go on, so that everything but a loop is made from its end.
  const build = (part: Part, next: number): number => {
    spend(1);
    switch (part.kind) {
      case "set":
        return add({ kind: "set", set: part.set, next });
      case "assertion":
        return add({ kind: "assertion", assertion: part.assertion, next });
      case "sequence":
        return part.parts.reduceRight((after, one) => build(one, after), next);
      case "choice":
        return add({ kind: "split", next: part.parts.map((one) => build(one, next)) });
      case "repeat":
        return repeat(part, next);
    }
  };
  const repeat = ({ part, min, max }: Extract<Part, { kind: "repeat" }>, next: number): number => {
    let at = next;
    if (max === Number.POSITIVE_INFINITY) {
      const ways: number[] = [next];
      at = add({ kind: "split", next: ways });
      ways.push(build(part, at));
    } else {
      for (let count = min; count < max; count++) {
        at = add({ kind: "split", next: [build(part, at), next] });
      }
    }
    for (let count = 0; count < min; count++) at = build(part, at);
    return at;
  };
  const start = build(part, 0);
  return { steps, start };
}
