/** What the runner's thread and a thread of handlers say to each other. */
import type { MessagePort } from "node:worker_threads";
import type { Log } from "../../handler.ts";
import type { Topology } from "../../topology.ts";
import type { Published, PublishRequest } from "../publish/publish.ts";
import type { Called, CallRequest } from "../rpc/call.ts";
import type { Outcome } from "./host.ts";
import type { PackedBatch } from "./packing.ts";
import type { LoadFailure } from "./thread/failure.ts";
import type { LoadedModule } from "./thread/tracking.ts";

/** What a thread is started with. */
export type ThreadData = {
  /** Of its `Pulse`. */
  readonly pulse: SharedArrayBuffer;
  /** For `trackModules`. */
  readonly modules: MessagePort;
};

export type ToThread =
  /** Once. */
  | { readonly type: "load"; readonly topology: Topology }
  | { readonly type: "deliver"; readonly batch: PackedBatch }
  | { readonly type: "published"; readonly answers: readonly PublishAnswer[] };

export type FromThread =
  /** The module of this queue's handler is imported next. */
  | { readonly type: "loading"; readonly queue: string }
  /** What is wrong with the handler that was named last. */
  | { readonly type: "bad-handler"; readonly failure: LoadFailure }
  /** This module of the user's is run next. */
  | { readonly type: "module"; readonly module: LoadedModule }
  | { readonly type: "loaded" }
  /** What has come up in one tick; the results are packed. */
  | {
      readonly type: "tick";
      readonly results: string;
      readonly publishes: readonly PublishCall[];
      readonly calls: readonly RpcCall[];
      /** Runs whose function went on after their result, and has ended now. */
      readonly ended: readonly number[];
    }
  /** What is alive on its heap nearly fills it. */
  | { readonly type: "full"; readonly bytes: number }
  /** `fields` is JSON: they are as they were when the line was written. */
  | {
      readonly type: "log";
      readonly level: keyof Log;
      readonly fields: string;
      readonly message: string;
    };

export type RunResult = {
  readonly run: number;
  readonly outcome: RunOutcome;
  readonly durationMs: number;
  /** Its time was over, and its function goes on. */
  readonly isLoose: boolean;
};

/** crashed: the handler wanted to end the thread. */
export type RunOutcome = Outcome | { readonly status: "crashed"; readonly error: string };

/** A handler publishes. */
export type PublishCall = {
  /** Its answer has the same. */
  readonly call: number;
  readonly run: number;
  readonly request: PublishRequest;
};

/** A handler calls; numbered with the publishes. */
export type RpcCall = Omit<PublishCall, "request"> & { readonly request: CallRequest };

/** Of either. */
export type PublishAnswer =
  | { readonly call: number; readonly published: Published }
  | { readonly call: number; readonly called: Called };
