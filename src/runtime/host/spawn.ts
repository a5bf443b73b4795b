/** Starts a thread for handlers. */
import { Worker } from "node:worker_threads";

export type SpawnOptions = {
  /** What handlers see as `process.env`. */
  readonly env: Readonly<Record<string, string>>;
  /** Some handlers are TypeScript, which is loaded as it is. */
  readonly isTypeScript: boolean;
  readonly maxHeapBytes: number;
};

const isSource = import.meta.url.endsWith(".ts");
const entry = new URL(isSource ? "./worker.ts" : "./worker.js", import.meta.url);

export function spawnThread({ env, isTypeScript, maxHeapBytes }: SpawnOptions): Worker {
  return new Worker(isSource || isTypeScript ? withTypeScript() : entry, {
    name: "warren handlers",
    env,
    resourceLimits: { maxOldGenerationSizeMb: Math.ceil(maxHeapBytes / 1024 ** 2) },
  });
}

/** On Node 20 a thread does not apply `--import tsx` to its entry: so the entry registers it. */
function withTypeScript(): URL {
  const code = `import { register } from ${JSON.stringify(import.meta.resolve("tsx/esm/api"))};
register();
await import(${JSON.stringify(entry.href)});`;
  return new URL(`data:text/javascript,${encodeURIComponent(code)}`);
}
