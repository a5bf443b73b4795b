/** Calls, and what becomes of them. */
import type { Called } from "../../../src/runtime/rpc/call.ts";
import type { TestRunner } from "../../support/runner.ts";

/** Asks with a key of the exchange tasks. */
export function ask(
  { runner }: Pick<TestRunner, "runner">,
  key: string,
  request: unknown,
  timeoutMs = 60_000,
): Promise<Called> {
  return runner.call({
    exchange: "tasks",
    routingKey: key,
    body: Buffer.from(JSON.stringify(request)),
    contentType: "application/json",
    messageId: null,
    timeoutMs,
  });
}

/** How each call of an echo has ended: `ok` with its own request, the code of its refusal, or what it must not be. */
export function ends(all: readonly Called[], requests: readonly unknown[]): readonly string[] {
  return all.map((called, index) => {
    if (!called.ok) return called.code;
    return called.reply === JSON.stringify(requests[index]) ? "ok" : `another's: ${called.reply}`;
  });
}

/** A thousand calls at once, by each of these keys in turn. */
export function askThousand(runner: TestRunner, keys: readonly string[], mark: unknown = 0) {
  const requests = Array.from({ length: 1_000 }, (_, number) => ({ mark, number }));
  const calls = requests.map((request, index) =>
    ask(runner, keys[index % keys.length] ?? "", request),
  );
  return { requests, calls };
}
