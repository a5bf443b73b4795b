/** What a fault is, and what it acts upon. */
import { setTimeout as sleep } from "node:timers/promises";
import type { RabbitNode } from "../test/support/node.ts";
import type { TcpProxy } from "../test/support/proxy.ts";
import type { Editor } from "./editor.ts";
import type { Fleet } from "./fleet.ts";
import type { RunsFile } from "./ledger.ts";

export type World = {
  readonly node: RabbitNode;
  readonly proxy: TcpProxy;
  readonly fleet: Fleet;
  readonly editor: Editor;
  readonly runs: RunsFile;
};

/** Faults of a lane follow one another; those of different lanes overlap. */
export type Lane = "network" | "broker" | "process" | "files";

export type Fault = {
  readonly name: string;
  readonly lane: Lane;
  /** Connections may end with it, and what is unacknowledged on them comes again. */
  readonly losesConnections: boolean;
  /** Nothing can be handled while it lasts. */
  readonly isOutage: boolean;
  /** Something is saved, and this is what the runners have to do with it. */
  readonly edit?: "taken" | "refused";
  /** Concerns topology.yaml, which `dev` alone follows. */
  readonly isForDev?: boolean;
  /**
   * Resolves when the fault is over; what it returns is waited for before the next fault of its
   * lane: that a new runner is ready, say.
   *
   * @throws {Error} when the runners have not recovered from it.
   */
  readonly run: (world: World) => Promise<Heal | undefined>;
};

type Heal = () => Promise<unknown>;

/** A fault that begins, lasts and ends. */
export function lasting(
  ms: number,
  begin: (world: World) => unknown,
  end: (world: World) => unknown,
): Fault["run"] {
  return async (world) => {
    await begin(world);
    try {
      await sleep(ms);
    } finally {
      await end(world);
    }
    return undefined;
  };
}

/** Of the project's topology.yaml. */
export const HEARTBEAT_MS = 2_000;
