import { EXIT, quoted, WarrenError } from "../errors.ts";
import { didYouMean } from "../loader/suggest.ts";
import { route as routeOf } from "../routing/route.ts";
import { type Visit, walk } from "../routing/walk.ts";
import type { Binding, Exchange, Topology } from "../topology.ts";
import { type Context, loadOrReport } from "./command.ts";
import { parseHeaders } from "./headers.ts";
import { formatPath } from "./path.ts";

export type RouteArguments = {
  readonly exchange: string;
  readonly key: string;
  /** JSON, or `name=value`. */
  readonly headers: readonly string[];
};

/**
 * The path of a message, without a broker: the exchanges, bindings and queues that it goes through.
 *
 * @throws {WarrenError} unknown-exchange; unroutable, after the path, where no queue gets it;
 *   bad-argument
 */
export async function route(context: Context, given: RouteArguments): Promise<number> {
  const headers = parseHeaders(given.headers);
  const topology = loadOrReport(context);
  if (!topology) return EXIT.failed;
  const { exchange, key } = given;
  const published = exchangeOf(topology, exchange);
  const visits = walk(topology, exchange, key, headers);
  const { queues, via } = routeOf(topology, exchange, key, headers);
  const refused = refusalOf(published, key);
  context.print(
    context.isJson
      ? JSON.stringify(
          {
            exchange,
            key,
            headers,
            path: visits.map(visitDocument),
            queues: queues.map((name) => queueDocument(topology, name)),
            via,
            refused,
          },
          null,
          2,
        )
      : [...formatPath(topology, visits), ...sentences(queues, via, refused)].join("\n"),
  );
  if (queues.length > 0) return EXIT.done;
  const message = `no queue gets a message to ${quoted(exchange)} with the key ${quoted(key)}`;
  throw new WarrenError("unroutable", message, { at: published.at });
}

function exchangeOf({ exchanges, file }: Topology, name: string): Exchange {
  const found = Object.hasOwn(exchanges, name) ? exchanges[name] : undefined;
  if (found !== undefined) return found;
  const hint = didYouMean(name, Object.keys(exchanges));
  throw new WarrenError("unknown-exchange", `${file} declares no exchange ${quoted(name)}${hint}`);
}

/** Why nobody may publish this; null: whoever reaches the broker may. */
function refusalOf({ name, internal, events }: Exchange, key: string): string | null {
  if (internal) return `exchange ${quoted(name)} is internal: it takes nothing from publishers`;
  if (events === null || events.includes(key)) return null;
  const hint = didYouMean(key, events);
  return `exchange ${quoted(name)} lists no event ${quoted(key)}${hint}; POST /publish refuses it`;
}

function sentences(
  queues: readonly string[],
  via: string | null,
  refused: string | null,
): readonly string[] {
  const number = queues.length === 1 ? "1 queue" : `${queues.length} queues`;
  const count = via === null ? number : `${number}, by the alternate exchange ${via}`;
  return [
    ...(queues.length === 0 ? [] : ["", `${count}: ${queues.join(", ")}`]),
    ...(refused === null ? [] : ["", `refused: ${refused}`]),
  ];
}

function visitDocument({ exchange, taken, handedTo }: Visit): object {
  const { name, type, at } = exchange;
  return { exchange: name, type, at, taken: taken.map(bindingDocument), alternate: handedTo };
}

function bindingDocument({ source: _, ...binding }: Binding): object {
  return binding;
}

function queueDocument({ queues }: Topology, name: string): object {
  const queue = queues[name];
  return { name, handler: queue?.handler?.name ?? null, at: queue?.at ?? null };
}
