// The thread where TypeScript is loaded as it is: by Node where it can, else by tsx, which this thread
// has to register, since on Node 20 `--import tsx` is not applied to a thread's entry.
if (!process.features.typescript) {
  const { register } = await import("tsx/esm/api");
  register();
}
await import("./thread.ts");
