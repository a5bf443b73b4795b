import { defineHandler } from "warren";
import { run } from "../job.ts";

export default defineHandler<never>((job, context) => run(job, context));
