/**
 * What most tests of the runtime run: two queues that retry once, and their dead letters. A handler
 * may wait for its test for as long as that takes.
 */
export const topology = `
defaults: { retry: [200ms], deadLetter: dead, timeout: 3m }
exchanges:
  jobs:   { type: topic }
  others: { type: topic }
  dead:   { type: topic }
queues:
  work:  { bind: { jobs: "#" }, handler: work }
  other: { bind: { others: "#" }, handler: other }
  dead_letters: { bind: { dead: "#" }, handler: none, deadLetter: none }
`;

export const nothing = () => undefined;

/** `opened` resolves once `open` is called: a handler that waits until a test lets it go on. */
export function gate() {
  let open: () => void = nothing;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}
