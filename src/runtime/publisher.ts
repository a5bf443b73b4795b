/** Contract; the implementation follows. */
export type MessageProperties = {
  readonly messageId: string;
  readonly contentType: string | null;
  readonly contentEncoding?: string;
  readonly correlationId?: string;
  readonly type?: string;
  readonly appId?: string;
  /** Seconds since 1970. */
  readonly timestamp?: number;
  /** 0 to 255. */
  readonly priority?: number;
  /** Milliseconds. */
  readonly expirationMs?: number;
  readonly persistent: boolean;
  readonly headers: Readonly<Record<string, unknown>>;
};

export type Outgoing = {
  readonly exchange: string;
  readonly routingKey: string;
  readonly body: Buffer;
  readonly properties: MessageProperties;
};

/** Exactly one for each message. */
export type PublishOutcome =
  | { readonly status: "confirmed" }
  | {
      readonly status:
        | "unroutable"
        | "nacked"
        | "blocked"
        | "disconnected"
        | "overloaded"
        | "stopping"
        | "outcome-unknown";
      readonly message: string;
    };

export type Publisher = {
  publish(message: Outgoing): Promise<PublishOutcome>;
};
