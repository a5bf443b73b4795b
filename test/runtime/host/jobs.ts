/** What most tests of handler threads run: two queues that retry once, and their dead letters. */
export const topology = `
defaults: { retry: [200ms], deadLetter: dead, timeout: 1s }
worker: { blocked: 1s, memory: 64MiB }
exchanges:
  jobs:   { type: topic }
  others: { type: topic }
  dead:   { type: topic }
queues:
  work:  { bind: { jobs: "#" }, handler: work, concurrency: 10 }
  other: { bind: { others: "#" }, handler: other }
  dead_letters: { bind: { dead: "#" }, handler: none, deadLetter: none }
`;

/** Typescript of a promise that resolves after so many milliseconds. */
export const pause = (ms: number) => `await new Promise((resolve) => setTimeout(resolve, ${ms}));`;
