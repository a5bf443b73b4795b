import { Router } from "express";
import type { TracedDelivery } from "../runtime/trace.ts";
import { allowOnly } from "./problem.ts";

/** `GET /trace/{message id}`. */
export function traceRoutes(trace: (messageId: string) => readonly TracedDelivery[]): Router {
  const router = Router();
  router
    .route("/trace/:messageId")
    .get(({ params: { messageId } }, response) => {
      response.json({ message_id: messageId, deliveries: trace(messageId) });
    })
    .all(allowOnly("GET, HEAD"));
  return router;
}
