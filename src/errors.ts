/**
 * Every refusal that a user can meet, in one table: the code is stable and never used again for
 * something else. `docs/errors.md` is generated from it.
 */

/** A position in a file that a user wrote; line and column start at 1. */
export type Place = { readonly file: string; readonly line: number; readonly column: number };

/** `exit` is the status of the command line, `http` the status of an answer, `remedy` what to do. */
type ErrorFacts = { readonly exit: number; readonly http?: number; readonly remedy: string };

/** Exit statuses of the command line, the same for every command. */
export const EXIT = {
  done: 0,
  failed: 1,
  differences: 2,
  blocked: 3,
  locked: 4,
  partly: 5,
  bug: 70,
} as const;

const table = {
  // The file: found by the loader, before a broker is touched.
  "file-not-found": {
    exit: 1,
    remedy: "Run warren in the project's folder, or name the file with --file.",
  },
  "file-too-large": { exit: 1, remedy: "Keep topology.yaml below 1 MiB." },
  "yaml-syntax": { exit: 1, remedy: "Mend the YAML at the place named." },
  "yaml-trap": {
    exit: 1,
    remedy: "Quote the value: YAML reads a bare * as an alias and a bare # as a comment.",
  },
  "duplicate-key": { exit: 1, remedy: "Keep one of the two keys." },
  "several-documents": { exit: 1, remedy: "Keep one YAML document in the file." },
  "too-many-aliases": { exit: 1, remedy: "Write the values out instead of repeating aliases." },
  "empty-file": {
    exit: 1,
    remedy: "An empty file deletes nothing: write the topology, or use `warren destroy`.",
  },
  "unknown-key": { exit: 1, remedy: "Use a key of docs/configuration.md." },
  "missing-key": { exit: 1, remedy: "Add the key; docs/configuration.md says what it means." },
  "wrong-type": { exit: 1, remedy: "Write a value of the type that docs/configuration.md names." },
  "bad-value": { exit: 1, remedy: "Write one of the values that docs/configuration.md allows." },
  "numeric-string": { exit: 1, remedy: "Write the number without quotes, or with a unit." },
  "bad-number": {
    exit: 1,
    remedy: "Write digits only: no underscores, no leading zero, no .inf or .nan.",
  },
  "bad-duration": { exit: 1, remedy: "Write a number and a unit: 500ms, 30s, 5m, 1h, 7d." },
  "bad-size": { exit: 1, remedy: "Write a number and a unit: 512B, 64KiB, 10MiB, 1GiB." },
  "bad-rate": { exit: 1, remedy: "Write a whole number and a unit: 50/s, 90/m, 10/h; or none." },
  "bad-name": {
    exit: 1,
    remedy: "Names are 1 to 255 bytes of well-formed UTF-8 without control characters.",
  },
  "reserved-name": {
    exit: 1,
    remedy: "Names that begin with amq. or warren. belong to the broker and to warren.",
  },
  "unset-variable": {
    exit: 1,
    remedy: "Set the variable in the environment or in .env, or give a default: ${NAME:-default}.",
  },
  "variable-not-allowed": {
    exit: 1,
    remedy:
      "Variables stand in broker, http and stores alone, so that a plan means the same for everyone.",
  },
  "bad-url": {
    exit: 1,
    remedy:
      "Write amqp://user:password@host:port/vhost, or amqps://; or embedded: alone. A store is redis://user:password@host:port, or rediss://.",
  },
  "insecure-host": {
    exit: 1,
    remedy: "Listen on 127.0.0.1, ::1 or localhost, and put a proxy with authentication before it.",
  },
  "unknown-argument": {
    exit: 1,
    remedy: "Mend the spelling, or set allowUnknown: true if a plugin reads it.",
  },
  "argument-of-other-type": { exit: 1, remedy: "Remove the argument, or change the queue's type." },
  "argument-twice": { exit: 1, remedy: "Say it once: with the key or under arguments:." },
  "unknown-exchange": {
    exit: 1,
    http: 404,
    remedy: "Declare the exchange under exchanges:, or mend its name.",
  },
  "bad-binding": {
    exit: 1,
    remedy:
      "Bind as the exchange's type needs: a key for direct and topic, none for fanout, headers for headers.",
  },
  "binding-cycle": {
    exit: 1,
    remedy: "Remove one of the bindings between exchanges that form the circle.",
  },
  "no-dead-letter": {
    exit: 1,
    remedy: "Name an exchange in deadLetter, or say deadLetter: none on purpose.",
  },
  "dead-letter-lost": {
    exit: 1,
    remedy: "Bind a queue to the dead-letter exchange that takes this queue's name as key.",
  },
  "dead-letter-cycle": { exit: 1, remedy: "Park dead letters in a queue with deadLetter: none." },
  "ack-timeout": {
    exit: 1,
    remedy:
      "Lower timeout, prefetch or an ordered queue's delays, or raise the broker's consumer_timeout and say so in broker.consumerTimeout.",
  },
  "unknown-handler": { exit: 1, remedy: "Create the module under src/handlers, or mend its name." },
  "handler-outside": {
    exit: 1,
    remedy: "Handlers are files under src/handlers; links may not lead out of it.",
  },
  "bad-handler": { exit: 1, remedy: 'Export default defineHandler<"queue">(…) from the module.' },
  "bad-event-schema": {
    exit: 1,
    remedy: "Mend the JSON Schema at the place named; docs/events.md says what a schema may hold.",
  },
  "unknown-reply": {
    exit: 1,
    remedy: "Name the file in schemas/replies after a queue with rpc: true.",
  },
  "unknown-event-pattern": {
    exit: 1,
    remedy: "Add a schema under schemas/events, or mend the pattern.",
  },
  "bad-rename": {
    exit: 1,
    remedy: "Name in was: the queue that this one replaces, which the file no longer declares.",
  },
  "unknown-policy-key": {
    exit: 1,
    remedy: "Use a setting that a policy can make; their names have no x-.",
  },
  "ha-policy": {
    exit: 1,
    remedy: "Make the queue quorum: mirrored classic queues are gone since RabbitMQ 4.0.",
  },
  "policy-of-other-type": {
    exit: 1,
    remedy: "Change applyTo, or give each type of object a policy of its own.",
  },
  "bad-pattern": {
    exit: 1,
    remedy: "Write a regular expression as the broker reads it (PCRE), at most 1,024 bytes.",
  },
  "needless-allow": {
    exit: 1,
    remedy: "Remove it: what it allows does not happen here, and would go unnoticed if it did.",
  },
  // Warnings: nothing keeps the file from running. docs/lint.md says why each of them is one.
  "message-loss": {
    exit: 0,
    remedy: "Give the queue a dead-letter exchange, or say allowLoss: true if loss is meant.",
  },
  "overflow-without-dead-letter": {
    exit: 0,
    remedy: "Say overflow: reject-publish, or give the queue a dead-letter exchange.",
  },
  "held-when-full": {
    exit: 0,
    remedy: "Raise or remove the limit, or allow it and watch how full the queue is.",
  },
  "expiry-cycle": {
    exit: 0,
    remedy: "Park dead letters in a queue without ttl, or break the circle.",
  },
  "retry-outlives-ttl": {
    exit: 0,
    remedy: "Make ttl longer than the delays of retry, or the delays shorter.",
  },
  "retry-outlives-caller": {
    exit: 0,
    remedy: "Say retry: none or shorter delays, or allow it if every caller waits that long.",
  },
  "costly-priorities": { exit: 0, remedy: "Use at most 10 priorities." },
  "unbound-queue": {
    exit: 0,
    remedy: "Bind the queue, or allow it if messages are sent to it by its name.",
  },
  "unbound-exchange": {
    exit: 0,
    remedy: "Bind a queue to it or give it an alternate, or allow it if others bind to it.",
  },
  "redundant-binding": { exit: 0, remedy: "Remove the key that the other one covers." },
  "unmatched-binding": {
    exit: 0,
    remedy: "Mend the key, or list the event in the exchange.",
  },
  "unreached-queue": {
    exit: 0,
    remedy: "Mend the keys on the way to the queue, or list the events in the exchange.",
  },
  "unreceived-event": {
    exit: 0,
    remedy: "Bind a queue for the event, give the exchange an alternate, or list it no longer.",
  },
  "policy-tie": { exit: 0, remedy: "Give the policies different priorities." },
  "policy-not-applied": {
    exit: 0,
    remedy: "Narrow applyTo or the pattern, or give each queue type a policy of its own.",
  },
  "policy-on-warren": {
    exit: 0,
    remedy: "Narrow the pattern: ^(?!warren\\.) leaves out the queues that warren makes.",
  },
  "ambiguous-event": { exit: 1, remedy: "List each event in one exchange only." },

  // The environment.
  "bad-environment": {
    exit: 1,
    remedy: "Mend the variable, or the file .env beside topology.yaml, which may set it.",
  },

  // The broker.
  "connection-failed": {
    exit: 1,
    http: 503,
    remedy: "Start the broker, or mend broker.url (RABBITMQ_URL).",
  },
  "access-refused": { exit: 1, http: 503, remedy: "Check user, password, vhost and permissions." },
  "unknown-exchange-type": { exit: 1, remedy: "Enable the plugin that brings this exchange type." },
  conflict: {
    exit: 3,
    remedy:
      "`npm run plan-topology` says what differs, and `npm run apply-topology -- --allow-replace` replaces a queue without losing a message; or give the object a new name, or change the file to what the broker has.",
  },
  "broker-refused": {
    exit: 1,
    remedy: "The broker's answer says why; mend the object in topology.yaml.",
  },
  "lock-held": {
    exit: 4,
    http: 503,
    remedy:
      "Wait for the other apply, or raise --lock-timeout; the lock ends with the connection of its holder.",
  },
  "not-ours": {
    exit: 1,
    remedy: "Name queues that the project's own applies have made; `warren plan` lists them.",
  },
  "replace-blocked": {
    exit: 3,
    remedy: "Remove what is in its way, and apply again; nothing was changed.",
  },
  "replace-stalled": {
    exit: 5,
    remedy:
      "Let the queue's consumers finish, or make room where the messages go, and apply again: it goes on where it was.",
  },
  interrupted: { exit: 5, remedy: "Run it again: it goes on where it was." },
  "state-unreadable": {
    exit: 1,
    http: 503,
    remedy:
      "Use the warren that wrote it; or purge the queue: then nothing is removed any more until it has been applied again.",
  },
  "policies-need-management": {
    exit: 1,
    remedy: "Set broker.management to the management API: AMQP has no way to set a policy.",
  },
  "plan-unreadable": {
    exit: 1,
    remedy: "Make the plan again with `warren plan --out FILE`; docs/plan.md describes the file.",
  },
  "plan-unwritable": {
    exit: 1,
    remedy: "Name a file in a folder that exists, and that may be written.",
  },
  "plan-outdated": {
    exit: 3,
    remedy: "Make the plan again, read it, and apply that one.",
  },
  "management-failed": {
    exit: 1,
    http: 503,
    remedy:
      "Enable the plugin rabbitmq_management, or mend broker.management; without it warren works over AMQP alone, and says what it can't see.",
  },
  "management-refused": {
    exit: 1,
    http: 503,
    remedy:
      "Name a user in broker.management that has the tag management and permissions in the vhost.",
  },
  "management-mismatch": {
    exit: 1,
    http: 503,
    remedy: "Let broker.url and broker.management name the same broker.",
  },
  "missing-object": {
    exit: 1,
    remedy:
      "An external object has to be on the broker before warren starts; with --no-apply every object has to: run `npm run apply-topology` first.",
  },
  "embedded-in-production": {
    exit: 1,
    remedy: "Set RABBITMQ_URL to a RabbitMQ; the embedded broker is for trying out and for tests.",
  },
  "broker-port-in-use": {
    exit: 1,
    remedy: "Name free ports with --port and --management-port; 0 takes any.",
  },
  "port-in-use": { exit: 1, remedy: "Set http.port (PORT) to a free port." },
  "restart-needed": {
    exit: 1,
    remedy:
      "Restart warren: project, broker, http, stores and how an exclusive queue is declared are taken at the start alone.",
  },

  // Commands: their arguments, and what import reads and writes.
  "bad-argument": { exit: 1, remedy: "Mend the argument; --help says what the command takes." },
  "unknown-queue": { exit: 1, remedy: "Name a queue of topology.yaml." },
  "bad-definitions": {
    exit: 1,
    remedy:
      "Take the file as a broker exports it (GET /api/definitions), or mend it at the place named.",
  },
  "several-vhosts": { exit: 1, remedy: "Choose one of them with --vhost." },
  "file-exists": { exit: 1, remedy: "Name another file with --out, or overwrite it with --force." },

  // Generated files.
  "generated-stale": { exit: 2, remedy: "Run `npm run generate` and commit src/generated." },

  // Schemas before and after a change.
  "schemas-breaking": {
    exit: 2,
    remedy: "Make the change in steps that nobody notices, or a new event: docs/schema-changes.md.",
  },
  "unknown-ref": {
    exit: 1,
    remedy: "Name a commit, branch or tag that is fetched here, or a folder, with --against.",
  },
  "git-unusable": {
    exit: 1,
    remedy: "Run it in a git repository with git installed, or name a folder with --against.",
  },

  // A message on its way in: what a publish can be refused with.
  malformed: { exit: 1, http: 400, remedy: "Send what docs/http.md describes." },
  "unknown-route": { exit: 1, http: 404, remedy: "The routes are in docs/http.md." },
  "page-unavailable": {
    exit: 1,
    http: 404,
    remedy: "Install the package that the answer names: npm leaves optional ones out if told to.",
  },
  "method-not-allowed": { exit: 1, http: 405, remedy: "Use a method that the Allow header names." },
  "unknown-event": {
    exit: 1,
    http: 404,
    remedy: "Add schemas/events/<type>.json and list it in an exchange, or mend the name.",
  },
  "idempotency-key-reused": {
    exit: 1,
    http: 409,
    remedy:
      "Send another message with another Idempotency-Key, and the same one with the same body.",
  },
  "body-too-large": { exit: 1, http: 413, remedy: "Send at most 1 MiB." },
  "unsupported-media-type": {
    exit: 1,
    http: 415,
    remedy: "Send application/json or application/cloudevents+json, uncompressed, in UTF-8.",
  },
  "invalid-event": { exit: 1, http: 422, remedy: "Mend the fields that the violations name." },
  "unexpected-event": {
    exit: 1,
    http: 422,
    remedy: "Publish only events that the exchange lists.",
  },
  "key-mismatch": {
    exit: 1,
    http: 422,
    remedy: "Leave the routing key out, or make it the event type.",
  },
  unroutable: {
    exit: 1,
    http: 422,
    remedy: "Bind a queue to the exchange for this key, or give it an alternate exchange.",
  },
  "not-callable": {
    exit: 1,
    http: 422,
    remedy: "Call an exchange and key that lead to one queue with rpc: true, and no more.",
  },
  "rpc-failed": {
    exit: 1,
    http: 502,
    remedy:
      "The handler answered with an error: mend what it names in the request, or the handler.",
  },
  "no-reply": {
    exit: 1,
    http: 504,
    remedy: "Call again, with a longer timeout if the handler needs it; it may have run.",
  },
  nacked: {
    exit: 1,
    http: 502,
    remedy: "The broker refused it (a full queue, say); try again later with the same message_id.",
  },
  blocked: {
    exit: 1,
    http: 503,
    remedy: "The broker is out of memory or disk; try again after Retry-After.",
  },
  disconnected: { exit: 1, http: 503, remedy: "The broker is away; try again after Retry-After." },
  overloaded: { exit: 1, http: 503, remedy: "Too much is in flight; try again after Retry-After." },
  stopping: {
    exit: 1,
    http: 503,
    remedy: "This runner is stopping; try again elsewhere or later.",
  },
  "outcome-unknown": {
    exit: 1,
    http: 504,
    remedy: "Send it again with the same message_id: it may have arrived.",
  },
  "internal-error": {
    exit: 70,
    http: 500,
    remedy: "This is a bug in warren; report it with the request id.",
  },

  // A message on its way out: the causes of dead letters.
  undecodable: {
    exit: 1,
    remedy: "The body is not JSON in UTF-8, or it or a header is nested too deep.",
  },
  "handler-failed": {
    exit: 1,
    remedy: "The handler threw at its last attempt; mend it and replay.",
  },
  "handler-timeout": {
    exit: 1,
    remedy: "The handler ran longer than the queue's timeout at its last attempt.",
  },
  "handler-crash": {
    exit: 1,
    remedy:
      "Its thread, or its process, ended or blocked with it, time and again; mend the handler and replay.",
  },
  rejected: { exit: 1, remedy: "The handler threw Reject." },
  expired: {
    exit: 1,
    remedy:
      "No handler was free before the request's time was over: raise concurrency, start more runners, or give calls more time.",
  },
  "no-idempotency-key": {
    exit: 1,
    remedy:
      "Publish the message with what its queue's idempotency.by names, or let missing be run.",
  },
} as const satisfies Record<string, ErrorFacts>;

export type ErrorCode = keyof typeof table;

/** The table, for docs and for those who turn a code into an exit status or an HTTP status. */
export const errorTable: Readonly<Record<ErrorCode, ErrorFacts>> = table;

/** A finding in a user's file; the loader reports all of them at once. */
export type Problem = {
  readonly code: ErrorCode;
  readonly message: string;
  readonly at: Place;
  /** A warning keeps nothing from running; absent: an error. */
  readonly severity?: "warning";
};

/** One finding as a line: `topology.yaml:12:5 unknown-exchange  …`, a warning says that it is one. */
export function formatProblem({ code, message, at, severity }: Problem): string {
  return `${formatPlace(at)} ${severity === undefined ? "" : `${severity} `}${code}  ${message}`;
}

/** Whether a finding of this code is a warning: it ends no command. */
export function isWarning(code: ErrorCode): boolean {
  return table[code].exit === EXIT.done;
}

/** The order in which findings are read: by file, line and column. */
export function comparePlaces({ at: a }: Problem, { at: b }: Problem): number {
  if (a.file !== b.file) return a.file < b.file ? -1 : 1;
  return a.line - b.line || a.column - b.column;
}

/** `topology.yaml:12:5` */
export function formatPlace({ file, line, column }: Place): string {
  return `${file}:${line}:${column}`;
}

/** Something that a user or the outside world caused; anything else that is thrown is a bug. */
export class WarrenError extends Error {
  readonly code: ErrorCode;
  readonly at: Place | undefined;

  constructor(code: ErrorCode, message: string, options: { at?: Place; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "WarrenError";
    this.code = code;
    this.at = options.at;
  }
}

/** What went wrong, in words, whatever was thrown. */
export function messageOf(error: unknown): string {
  try {
    return String(error instanceof Error ? error.message : error);
  } catch {
    return "something that has no text";
  }
}

/** Somebody's text as it stands in a message: quoted, of bounded length. */
export function quoted(text: string): string {
  return JSON.stringify(text.length <= 100 ? text : `${text.slice(0, 99)}…`);
}
