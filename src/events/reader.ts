/** Placeholder of the contract; the implementation follows. */
export type Violation = {
  /** JSON Pointer into the event's fields; "" is the whole. */
  readonly pointer: string;
  readonly message: string;
};

export type RawMessage = {
  readonly body: Buffer;
  readonly contentType: string | null;
  readonly contentEncoding: string | null;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly routingKey: string;
};

export type ReadResult =
  | { readonly ok: true; readonly type: string | null; readonly event: unknown }
  | {
      readonly ok: false;
      readonly code: "undecodable" | "unknown-event" | "unexpected-event" | "invalid-event";
      readonly message: string;
      readonly violations: readonly Violation[];
    };

export type EventReader = {
  read(message: RawMessage, expected: readonly string[] | null): ReadResult;
};
