/** Which run the code that is running belongs to, also in its timers and promises. */
import { AsyncLocalStorage } from "node:async_hooks";
import type { Run } from "./run.ts";

export const runScope = new AsyncLocalStorage<Run>();
