/** What the runner's thread and a thread of handlers say to each other. */
import type { Log } from "../../handler.ts";
import type { Topology } from "../../topology.ts";
import type { Published, PublishRequest } from "../publish.ts";
import type { LoadFailure } from "./failure.ts";
import type { Result } from "./host.ts";
import type { PackedBatch } from "./packing.ts";

export type ToThread =
  /** Once, after `booted`. */
  | { readonly type: "load"; readonly topology: Topology }
  | { readonly type: "deliver"; readonly batch: PackedBatch }
  | { readonly type: "published"; readonly answers: readonly PublishAnswer[] };

export type FromThread =
  | { readonly type: "booted" }
  /** The module of this queue's handler is imported next. */
  | { readonly type: "loading"; readonly queue: string }
  /** What is wrong with the handler that was named last. */
  | { readonly type: "bad-handler"; readonly failure: LoadFailure }
  | { readonly type: "loaded" }
  /** What has come up in one tick. */
  | {
      readonly type: "tick";
      readonly results: readonly Result[];
      readonly publishes: readonly PublishCall[];
    }
  /** `fields` is JSON: they are as they were when the line was written. */
  | {
      readonly type: "log";
      readonly level: keyof Log;
      readonly fields: string;
      readonly message: string;
    };

/** A handler publishes. */
export type PublishCall = {
  /** Its answer has the same. */
  readonly call: number;
  /** The delivery that is handled. */
  readonly delivery: number;
  readonly request: PublishRequest;
};

export type PublishAnswer = { readonly call: number; readonly published: Published };
