/** The test rewrites this module while the runner runs; no handler imports it by itself. */
export const version = 1;
