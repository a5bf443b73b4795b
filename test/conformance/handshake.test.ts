import { conforms } from "./case.ts";
import type { Peer } from "./peers.ts";
import {
  channelOpen,
  HEADER,
  long,
  method,
  open,
  openWire,
  short,
  startOk,
  tuneOk,
  u8,
  u16,
} from "./wire.ts";

/** What is heard after each of these, on a socket of its own. */
async function after(peer: Peer, ...steps: readonly (readonly Buffer[])[]) {
  const wire = await openWire(peer.url, { handshake: false });
  const seen = [];
  for (const step of steps) {
    wire.send(...step);
    seen.push(await wire.until(/./));
  }
  wire.close();
  return seen;
}

/** `after` of each, at once: RabbitMQ takes three seconds to close a handshake that goes wrong. */
async function afterEach(
  peer: Peer,
  all: Readonly<Record<string, readonly (readonly Buffer[])[]>>,
) {
  const seen = Object.entries(all).map(
    async ([name, steps]) => [name, await after(peer, ...steps)] as const,
  );
  return Object.fromEntries(await Promise.all(seen));
}

conforms(
  "a header of another protocol is answered with one that is known, and the end",
  async (peer) => {
    const headers = [
      "GET / HTTP/1.1\r\n\r\n",
      "AMQP\x01\x01\x00\x0a",
      "AMQP\x00\x00\x09\x02",
      "12345678",
    ];
    const seen = await Promise.all(headers.map((header) => after(peer, [Buffer.from(header)])));
    // Which version is named depends on the broker: 4.x prefers AMQP 1.0.
    return seen
      .flat()
      .map((lines) => lines.map((line) => line.replace(/^bytes "AMQP.*/, "AMQP …")));
  },
);

conforms("a handshake goes step by step", (peer) =>
  after(peer, [HEADER], [startOk()], [tuneOk(), open(peer.vhost)], [channelOpen(1)]),
);

conforms("a handshake may be sent in one go", async (peer) => {
  const wire = await openWire(peer.url, { handshake: false });
  wire.send(HEADER, startOk(), tuneOk(), open(peer.vhost), channelOpen(1), channelOpen(2));
  const lines = await wire.until(/^2 20/);
  wire.close();
  return lines;
});

const closable = (user: string, password: string, mechanism = "PLAIN") => {
  // The capability `authentication_failure_close`.
  const yes = Buffer.concat([short("authentication_failure_close"), Buffer.from("t"), u8(1)]);
  const capabilities = Buffer.concat([short("capabilities"), Buffer.from("F"), long(`${yes}`)]);
  const properties = long(capabilities.toString("latin1"));
  return method(
    0,
    [10, 11],
    properties,
    short(mechanism),
    long(`\0${user}\0${password}`),
    short("en_US"),
  );
};

conforms("who is not known is refused, and told so who can hear it", (peer) =>
  afterEach(peer, {
    "wrong password": [[HEADER], [closable("guest", "wrong")]],
    "unknown user": [[HEADER], [closable("somebody", "guest")]],
    "no user": [[HEADER], [closable("", "")]],
    "unknown mechanism": [[HEADER], [closable("guest", "guest", "MAGIC")]],
    "wrong password, not to be told": [[HEADER], [startOk("guest", "wrong")]],
  }),
);

conforms("what is negotiated is no more than was offered", (peer) => {
  const tuned = (channelMax: number, frameMax: number) => [
    [HEADER],
    [startOk()],
    [tuneOk(channelMax, frameMax), open(peer.vhost)],
  ];
  return afterEach(peer, {
    same: tuned(2_047, 131_072),
    less: tuned(10, 8_192),
    "no limit": tuned(0, 0),
    "no limit of channels": tuned(0, 131_072),
    "more channels": tuned(2_048, 131_072),
    "greater frames": tuned(2_047, 131_073),
    "frames too small": tuned(2_047, 4_095),
  });
});

conforms("a handshake is not left out", (peer) => {
  const [opened, tuned] = [[open(peer.vhost)], [tuneOk()]];
  return afterEach(peer, {
    "open at once": [[HEADER], opened],
    "tune at once": [[HEADER], tuned],
    "open before tune": [[HEADER], [startOk()], opened],
    "channel before open": [[HEADER], [startOk()], [tuneOk(), channelOpen(1)]],
    "start twice": [[HEADER], [startOk()], [startOk()]],
    "open twice": [[HEADER], [startOk()], [tuneOk(), open(peer.vhost)], opened],
    "close before open": [[HEADER], [method(0, [10, 50], u16(200), short(""), u16(0), u16(0))]],
  });
});
