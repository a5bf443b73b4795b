import { basename } from "node:path";
import { Router } from "express";
import type { Exchange, Queue, Topology } from "../topology.ts";
import { allowOnly } from "./problem.ts";

/** `GET /topology`. */
export function topologyRoutes(topology: () => Topology): Router {
  const router = Router();
  router
    .route("/topology")
    .get((_request, response) => {
      response.json(viewOf(topology()));
    })
    .all(allowOnly("GET, HEAD"));
  return router;
}

/** What the file means, with every default filled in: nothing of where it lies, nor of the broker's url. */
function viewOf(topology: Topology): object {
  const { file, project, exchanges, queues, bindings, policies, events } = topology;
  return {
    project,
    file: basename(file),
    exchanges: Object.values(exchanges).map(exchangeView),
    queues: Object.values(queues).map(queueView),
    bindings: bindings.map(({ at, ...binding }) => ({ ...binding, line: at.line })),
    policies: Object.values(policies).map(({ at, ...policy }) => ({ ...policy, line: at.line })),
    events: Object.values(events).map(({ type, schema }) => ({ type, schema })),
  };
}

function exchangeView({ at, ...exchange }: Exchange): object {
  return { ...exchange, line: at.line };
}

function queueView({ at, handler, ...queue }: Queue): object {
  return { ...queue, handler: handler?.name ?? null, line: at.line };
}
