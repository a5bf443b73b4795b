import type { RabbitNode } from "../support/node.ts";
import { startRunner, type TestHandlers, type TestRunner } from "../support/runner.ts";
import { createVhost, deleteVhost, type Vhost } from "../support/vhost.ts";
import { waitFor } from "../support/wait-for.ts";
import { topology } from "./jobs.ts";

export type Running = { readonly warren: TestRunner; readonly vhost: Vhost };

/** A runner in a vhost of its own on this node, with heartbeats of two seconds. */
export async function withRunner(
  node: RabbitNode,
  files: { readonly topology?: string; readonly handlers: TestHandlers },
  use: (running: Running) => Promise<void>,
): Promise<void> {
  const { vhost, observer } = await createVhost(node);
  try {
    const warren = await startRunner({ topology, url: vhost.url, heartbeat: "2s", ...files });
    try {
      await use({ warren, vhost });
    } finally {
      await warren.stop();
    }
  } finally {
    await observer.close();
  }
  await deleteVhost(vhost);
}

/** Waits until /readyz answers 200. */
export async function untilReady(warren: TestRunner): Promise<void> {
  await waitFor(
    async (seen) => {
      const { status, body } = await warren.get("/readyz");
      seen(body);
      return status === 200;
    },
    { what: "readiness" },
  );
}
