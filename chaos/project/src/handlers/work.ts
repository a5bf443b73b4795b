import { defineHandler } from "warren";
import { run } from "../job/run.ts";

// The test rewrites this line while the runner runs.
const revision = 1;

export default defineHandler<never>((job, context) => run(job, context, revision));
