import { Router } from "express";
import { WarrenError } from "../errors.ts";
import { allowOnly, Refusal } from "./problem.ts";

/** `GET /drift`. */
export function driftRoutes(drift: () => Promise<object>): Router {
  const router = Router();
  router
    .route("/drift")
    .get(async (_request, response) => {
      response.json(await drift().catch(refuse));
    })
    .all(allowOnly("GET, HEAD"));
  return router;
}

/** The broker, or its management API, is away or says no. */
function refuse(error: unknown): never {
  if (!(error instanceof WarrenError)) throw error;
  throw new Refusal(error.code, error.message);
}
