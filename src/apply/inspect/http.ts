/** One HTTP request: with a deadline, a bound on its answer, and words for what can go wrong. */
import { request as httpRequest, type IncomingMessage, type RequestOptions } from "node:http";
import { request as httpsRequest } from "node:https";
import { noAnswer } from "../../broker-connection.ts";
import { NUMBERS } from "../../numbers.ts";

export type HttpRequest = {
  readonly method: string;
  /** As it goes over the wire: it is not normalised, so a name `..` stays one. */
  readonly path: string;
  /** `user:password` */
  readonly auth: string;
  readonly body: string | null;
};

export type HttpAnswer = {
  readonly status: number;
  readonly contentType: string;
  /** Where it redirects to. */
  readonly location: string | null;
  readonly text: string;
};

/**
 * Sends a request over a connection of its own, and waits for the whole answer.
 *
 * @param signal ends it at once.
 * @throws {Error} that says in words why there is none, within `NUMBERS.rpcTimeoutMs`.
 */
export async function sendRequest(
  base: URL,
  request: HttpRequest,
  signal: AbortSignal | undefined,
): Promise<HttpAnswer> {
  const limit = new AbortController();
  const giveUp = () => limit.abort(new Error("given up"));
  const timer = setTimeout(
    () => limit.abort(noAnswer(`gave no whole answer within ${NUMBERS.rpcTimeoutMs} ms`)),
    NUMBERS.rpcTimeoutMs,
  );
  signal?.addEventListener("abort", giveUp);
  if (signal?.aborted) giveUp();
  try {
    return await readAnswer(await untilResponse(base, request, limit.signal));
  } catch (error) {
    // Node says of a request that was ended only that it was.
    if (limit.signal.aborted) throw limit.signal.reason;
    throw new Error(wordsOf(error, base), { cause: error });
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", giveUp);
  }
}

function untilResponse(
  base: URL,
  { method, path, auth, body }: HttpRequest,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const options: RequestOptions = {
    host: base.hostname.replace(/^\[|\]$/g, ""),
    port: base.port,
    method,
    path,
    auth,
    signal,
    // No socket is kept for a next request that may never come.
    agent: false,
    headers: {
      accept: "application/json",
      ...(body !== null && {
        "content-type": "application/json",
        "content-length": Buffer.byteLength(body),
      }),
    },
  };
  const send = base.protocol === "https:" ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const request = send(options, resolve);
    request.on("error", reject);
    request.end(body ?? undefined);
  });
}

async function readAnswer(response: IncomingMessage): Promise<HttpAnswer> {
  const { statusCode = 0, headers } = response;
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    // The end of the loop destroys the response.
    if (size > NUMBERS.maxListingBytes) {
      throw new Error(`answers with more than ${NUMBERS.maxListingBytes} bytes`);
    }
    chunks.push(chunk);
  }
  return {
    status: statusCode,
    contentType: headers["content-type"] ?? "",
    location: headers.location ?? null,
    text: Buffer.concat(chunks).toString(),
  };
}

const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "is not there: nobody listens on its port",
  ENOTFOUND: "is not there: its host is unknown",
  EAI_AGAIN: "is not there: its host can't be looked up now",
  ECONNRESET: "closed the connection without a whole answer",
  EPIPE: "closed the connection without a whole answer",
  EPROTO: "speaks no TLS",
};

/** In words that go on after the name of who was asked. */
function wordsOf(error: unknown, base: URL): string {
  const { code = "", message = "" } = error as Partial<NodeJS.ErrnoException>;
  const words = WORDS[code];
  if (words !== undefined) return words;
  if (code.startsWith("HPE_")) return `speaks no HTTP on port ${base.port || "80"}`;
  if (code.includes("CERT") || code.startsWith("UNABLE_TO_")) {
    return `has a certificate that is not accepted: ${message}`;
  }
  return message || code || String(error);
}
