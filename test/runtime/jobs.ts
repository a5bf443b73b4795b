/** What most tests of the runtime run: two queues that retry once, and their dead letters. */
export const topology = `
defaults: { retry: [200ms], deadLetter: dead }
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
