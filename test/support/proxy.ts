import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";

/** A TCP proxy on 127.0.0.1 that does to connections what networks do. */
export type TcpProxy = {
  readonly port: number;
  /** The same url, through this proxy. */
  url(target: string): string;
  /** Resets all connections (RST), on both sides; new ones are accepted. */
  cut(): void;
  /** Resets all connections when a client sends these bytes, before they are passed on. */
  cutBefore(bytes: Buffer): Promise<void>;
  /**
   * When a client sends these bytes its connection to the target is reset before they are passed on,
   * and it gets the answer; so many times.
   */
  answerBefore(bytes: Buffer, answer: Buffer, times: number): void;
  /** Nothing moves, and nothing is lost: bytes wait until `resume`, and back-pressure builds up. */
  stall(): void;
  /** Bytes and ends of connections vanish, so peers see silence. Who was in it stays in it. */
  blackhole(): void;
  /** Both directions together move no faster than this, in each connection. */
  dribble(bytesPerSecond: number): void;
  /** Ends stall, blackhole and dribble, but not for connections that have lost bytes. */
  resume(): void;
  /** Resets what is left and stops listening. */
  close(): Promise<void>;
  /** Clients that are connected now. */
  readonly connections: number;
};

/** Sees the bytes of one connection as they arrive at the proxy, whatever becomes of them. */
export type Tap = {
  fromClient(chunk: Buffer): void;
  fromTarget(chunk: Buffer): void;
  /** The client's side is closed. */
  ended(): void;
};

type Mode =
  | { readonly kind: "flow" | "stall" | "blackhole" }
  | { readonly kind: "dribble"; readonly bytesPerSecond: number };

/** The mode, with the event of its change. */
type Network = {
  mode: Mode;
  changed: Promise<void>;
  /** Looks at what a client sends; true: it must not arrive. */
  trap: ((chunk: Buffer, link: Link) => boolean) | null;
};

/** One client, its connection to the target, and whether bytes between them were lost. */
type Link = {
  readonly client: Socket;
  readonly target: Socket;
  readonly tap: Tap | null;
  hasHole: boolean;
};

export type ProxyOptions = {
  /** Called for each connection. */
  readonly openTap?: () => Tap;
  /** Of the proxy itself; any that is free unless given. */
  readonly listenPort?: number;
};

/** Starts a proxy to a port of 127.0.0.1. */
export async function startProxy(
  targetPort: number,
  { openTap, listenPort = 0 }: ProxyOptions = {},
): Promise<TcpProxy> {
  const links = new Set<Link>();
  let announce: () => void = () => undefined;
  const network: Network = { mode: { kind: "flow" }, changed: Promise.resolve(), trap: null };
  const set = (mode: Mode) => {
    network.mode = mode;
    announce();
    network.changed = new Promise((resolve) => {
      announce = resolve;
    });
  };
  set({ kind: "flow" });
  const server = createServer({ noDelay: true }, (client) => {
    const target = connect({ port: targetPort, host: "127.0.0.1", noDelay: true });
    const link: Link = { client, target, tap: openTap?.() ?? null, hasHole: false };
    links.add(link);
    client.on("close", () => link.tap?.ended());
    const forget = () => void (client.destroyed && target.destroyed && links.delete(link));
    for (const socket of [client, target]) socket.on("error", () => undefined).on("close", forget);
    void pump(network, link, client, target);
    void pump(network, link, target, client);
  });
  server.listen(listenPort, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const cut = () => {
    for (const { client, target } of links) {
      reset(client);
      reset(target);
    }
  };
  return {
    port,
    url: (target) => Object.assign(new URL(target), { hostname: "127.0.0.1", port }).href,
    cut,
    cutBefore: (bytes) =>
      new Promise((resolve) => {
        network.trap = (chunk) => {
          if (!chunk.includes(bytes)) return false;
          network.trap = null;
          cut();
          resolve();
          return true;
        };
      }),
    answerBefore(bytes, answer, times) {
      let left = times;
      network.trap = (chunk, link) => {
        if (left === 0 || !chunk.includes(bytes)) return false;
        left -= 1;
        link.hasHole = true;
        link.client.write(answer);
        reset(link.target);
        return true;
      };
    },
    stall: () => set({ kind: "stall" }),
    blackhole: () => set({ kind: "blackhole" }),
    dribble: (bytesPerSecond) => set({ kind: "dribble", bytesPerSecond }),
    resume: () => set({ kind: "flow" }),
    async close() {
      set({ kind: "flow" });
      cut();
      if (server.listening) await new Promise((resolve) => server.close(resolve));
    },
    get connections() {
      return [...links].filter(({ client }) => !client.destroyed).length;
    },
  };
}

async function pump(network: Network, link: Link, source: Socket, sink: Socket): Promise<void> {
  try {
    for await (const chunk of source) {
      if (source === link.client) link.tap?.fromClient(chunk);
      else link.tap?.fromTarget(chunk);
      // Who is answered reads on, until it ends.
      if (source === link.client && network.trap?.(chunk, link)) continue;
      await forward(network, link, sink, chunk);
    }
    await untilMoving(network);
    if (!inHole(network, link)) sink.end();
  } catch {
    // A reset goes on to the other side, unless the network hides it.
    if (!inHole(network, link)) reset(sink);
  }
}

/**
 * Ends a connection with a reset, where there is one to reset. Not while its own end is still on its
 * way: libuv refuses that, and Node then never closes the socket, which is a leak of the test.
 */
function reset(socket: Socket): void {
  const isEnding = socket.writableEnded && !socket.writableFinished;
  if (socket.connecting || isEnding) socket.destroy();
  else socket.resetAndDestroy();
}

async function forward(network: Network, link: Link, sink: Socket, chunk: Buffer): Promise<void> {
  for (let rest = chunk; rest.length > 0; ) {
    await untilMoving(network);
    if (inHole(network, link)) return;
    const size = await allowance(network.mode, rest.length);
    if (!sink.write(rest.subarray(0, size))) await once(sink, "drain");
    rest = rest.subarray(size);
  }
}

async function untilMoving(network: Network): Promise<void> {
  while (network.mode.kind === "stall") await network.changed;
}

function inHole(network: Network, link: Link): boolean {
  if (network.mode.kind === "blackhole") link.hasHole = true;
  return link.hasHole;
}

/** How many bytes may go now; in a dribble after a while, and at least one. */
async function allowance(mode: Mode, wanted: number): Promise<number> {
  if (mode.kind !== "dribble") return wanted;
  const size = Math.min(wanted, Math.max(1, Math.floor(mode.bytesPerSecond / 20)));
  await delay((size / mode.bytesPerSecond) * 1_000);
  return size;
}
