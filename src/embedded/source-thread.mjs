// The broker's thread where TypeScript is loaded as it is: on Node 20 a thread does not apply
// `--import tsx` to its entry, so this one registers it.
import { register } from "tsx/esm/api";

register();
await import("./thread.ts");
