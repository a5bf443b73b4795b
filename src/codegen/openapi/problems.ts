/** What a request can be refused with: by route, from the one table of errors. */
import { type ErrorCode, errorTable } from "../../errors.ts";
import { NUMBERS } from "../../numbers.ts";
import type { JsonObject } from "../json.ts";

/**
 * | kind        | routes |
 * |-------------|--------|
 * | wrapper     | `POST /publish` |
 * | call        | `POST /rpc` |
 * | publication | `POST /publish/{group or event}` |
 * | reading     | what only says something |
 * | named       | likewise, with a name in its path |
 * | drift       | `GET /drift`, which asks the broker |
 * | page        | what people read in a browser |
 * | nowhere     | no route, or not with this method |
 */
export type RouteKind = keyof typeof codes;

const reading = ["internal-error"] as const;

const publishing = [
  ...["malformed", "body-too-large", "unsupported-media-type"],
  ...["unknown-event", "invalid-event", "unexpected-event", "unroutable", "nacked"],
  "idempotency-key-reused",
  ...["blocked", "disconnected", "overloaded", "stopping", "access-refused", "outcome-unknown"],
  ...reading,
] as readonly ErrorCode[];

const codes = {
  wrapper: [...publishing, "unknown-exchange", "key-mismatch"],
  call: [
    ...publishing,
    ...(["unknown-exchange", "key-mismatch", "not-callable", "rpc-failed", "no-reply"] as const),
  ],
  publication: publishing,
  reading,
  named: [...reading, "malformed"],
  drift: [
    ...reading,
    ...(["connection-failed", "access-refused", "management-failed"] as const),
    ...(["management-refused", "management-mismatch", "lock-held", "state-unreadable"] as const),
  ],
  page: [...reading, "page-unavailable"],
  nowhere: ["unknown-route", "method-not-allowed"],
} as const satisfies Record<string, readonly ErrorCode[]>;

/** The responses of an operation that refuse, by status. */
export function problemResponses(kind: RouteKind): JsonObject {
  const statuses = [...byStatus(codes[kind]).keys()];
  return Object.fromEntries([
    ...statuses.map((status) => [String(status), responseRef(kind, status)]),
    ["default", { $ref: "#/components/responses/problem" }],
  ]);
}

/** The components that those responses refer to. */
export function problemComponents(): {
  readonly responses: JsonObject;
  readonly schema: JsonObject;
} {
  const responses: Record<string, unknown> = {};
  for (const [kind, listed] of Object.entries(codes)) {
    for (const [status, some] of byStatus(listed)) {
      responses[responseName(kind, status)] = responseOf(status, some);
    }
  }
  const description = "Any other refusal, of a path or a method that there is not for example.";
  responses.problem = { description, headers: headersOf(0), content: contentOf({ $ref: PROBLEM }) };
  return { responses, schema: problemSchema };
}

const PROBLEM = "#/components/schemas/Problem";

function responseName(kind: string, status: number): string {
  return `${kind}.${status}`;
}

function responseRef(kind: string, status: number): JsonObject {
  return { $ref: `#/components/responses/${responseName(kind, status)}` };
}

function byStatus(listed: readonly ErrorCode[]): ReadonlyMap<number, readonly ErrorCode[]> {
  const found = new Map<number, ErrorCode[]>();
  for (const code of [...listed].sort()) {
    const status = errorTable[code].http ?? 500;
    found.set(status, [...(found.get(status) ?? []), code]);
  }
  return new Map([...found].sort(([a], [b]) => a - b));
}

function responseOf(status: number, some: readonly ErrorCode[]): JsonObject {
  const schema = {
    allOf: [{ $ref: PROBLEM }],
    properties: { status: { const: status }, code: { enum: some } },
  };
  const examples = some.map((code) => [code, { value: exampleOf(code, status) }]);
  return {
    description: some.map((code) => `- \`${code}\`: ${errorTable[code].remedy}`).join("\n"),
    headers: headersOf(status),
    content: contentOf(schema, Object.fromEntries(examples)),
  };
}

function headersOf(status: number): JsonObject {
  return {
    "X-Request-Id": { $ref: "#/components/headers/X-Request-Id" },
    ...(status === 503 && { "Retry-After": { $ref: "#/components/headers/Retry-After" } }),
    ...(status === 405 && { Allow: { $ref: "#/components/headers/Allow" } }),
  };
}

function contentOf(schema: JsonObject, examples?: JsonObject): JsonObject {
  return { "application/problem+json": { schema, ...(examples && { examples }) } };
}

const id = "5c0c1d2e-3f40-4152-8637-495a6b7c8d9e";

/** Of these the answer says with which id to try again. */
const onTheirWay: ReadonlySet<ErrorCode> = new Set([
  ...(["unroutable", "nacked", "blocked", "disconnected"] as const),
  ...(["overloaded", "stopping", "outcome-unknown", "rpc-failed", "no-reply"] as const),
]);

function exampleOf(code: ErrorCode, status: number): JsonObject {
  const violations = [{ pointer: "/title", message: "must be present" }];
  const title = code.charAt(0).toUpperCase() + code.slice(1).replaceAll("-", " ");
  return {
    type: `urn:warren:problem:${code}`,
    title,
    status,
    code,
    detail: details[code] ?? title,
    ...(code === "invalid-event" && { violations }),
    ...(onTheirWay.has(code) && { message_id: "order-456" }),
    request_id: id,
  };
}

const details: Readonly<Partial<Record<ErrorCode, string>>> = {
  malformed: "the body is empty",
  "unknown-route": "there is no such route",
  "method-not-allowed": "this route takes POST",
  "page-unavailable": "/docs needs the package swagger-ui-dist, which is not installed",
  "unknown-exchange": 'no exchange "boks" is declared',
  "unknown-event": 'no schema for event "book.creatd"',
  "idempotency-key-reused": "another message was sent with this Idempotency-Key",
  "body-too-large": `the message is 1048577 bytes, at most ${NUMBERS.maxBodyBytes} are taken`,
  "unsupported-media-type": "the body has to be application/json in UTF-8",
  "invalid-event": 'event "book.created" is invalid: /title must be present',
  "unexpected-event": 'event "order.placed" has no place here',
  "key-mismatch": 'the event is "book.created", the routing key "book.updated"',
  unroutable: "no queue takes a message with this key from this exchange",
  "not-callable": 'exchange "tasks" with key "render" leads to no queue that replies',
  "rpc-failed": 'rejected: no book "b1"',
  "no-reply": "no reply within 10000 ms",
  nacked: "the broker refused the message; where it goes to several queues, some may have it",
  blocked: "the broker takes no messages at present: its memory or disk is full",
  disconnected: "the broker is away",
  overloaded: "too many messages are on their way to the broker",
  stopping: "this runner is stopping",
  "access-refused": "the broker does not let this runner publish there",
  "outcome-unknown": "the broker has not confirmed the message in time: it may have arrived",
  "internal-error": "something went wrong in warren",
};

const problemSchema: JsonObject = {
  description: "A refusal, as RFC 9457 says it.",
  type: "object",
  required: ["type", "title", "status", "code", "detail", "request_id"],
  properties: {
    type: { description: "The code as a URN.", type: "string", format: "uri" },
    title: { description: "The code in words.", type: "string" },
    status: { description: "Of the answer.", type: "integer" },
    code: {
      description: "Which refusal it is; stable, for programs.",
      enum: [...new Set(Object.values(codes).flat())].sort(),
    },
    detail: { description: "What is wrong here.", type: "string" },
    violations: {
      description: "All that is wrong with what was sent.",
      type: "array",
      maxItems: NUMBERS.maxViolations,
      items: {
        type: "object",
        required: ["pointer", "message"],
        properties: {
          pointer: { description: "A JSON Pointer to the place.", type: "string" },
          message: { description: "What has to be there.", type: "string" },
        },
      },
    },
    message_id: {
      description: "Of a message that was on its way: send it again with this id.",
      type: "string",
    },
    request_id: {
      description: "As in the header X-Request-Id and in warren's log.",
      type: "string",
      format: "uuid",
    },
  },
};
