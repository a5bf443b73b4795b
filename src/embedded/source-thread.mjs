// The broker's thread where TypeScript is loaded as it is. Where Node can do that itself it starts in
// half the time; else tsx does, which this thread has to register: on Node 20 `--import tsx` is not
// applied to a thread's entry.
if (!process.features.typescript) {
  const { register } = await import("tsx/esm/api");
  register();
}
await import("./thread.ts");
