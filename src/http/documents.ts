import { type RequestHandler, Router } from "express";
import { allowOnly } from "./problem.ts";

/** What describes the topology in force to machines. */
export type Documents = {
  /** Its HTTP interface, in OpenAPI. */
  readonly openapi: () => Promise<object>;
  /** Its messages, in AsyncAPI. */
  readonly asyncapi: () => Promise<object>;
};

/** `GET /openapi.json` and `/asyncapi.json`. */
export function documentRoutes({ openapi, asyncapi }: Documents): Router {
  const router = Router();
  const serve = (path: string, document: () => Promise<object>) => {
    const get: RequestHandler = async (_request, response) => {
      response.json(await document());
    };
    router.route(path).get(get).all(allowOnly("GET, HEAD"));
  };
  serve("/openapi.json", openapi);
  serve("/asyncapi.json", asyncapi);
  return router;
}
