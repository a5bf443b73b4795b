/** What Debian has for AMQP: the tools of librabbitmq in C, and pika in Python. */
import { execFile, execFileSync } from "node:child_process";
import { promisify } from "node:util";
import { conforms } from "../case.ts";

const run = promisify(execFile);

/** Debian's own Python, which has Debian's packages. */
const PYTHON = "/usr/bin/python3";

function isThere(program: string, ...args: readonly string[]): boolean {
  try {
    execFileSync(program, args, { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/** @throws {Error} that says how to install it: a case that did not run has shown nothing. */
function need(isInstalled: boolean, name: string): void {
  if (!isInstalled) throw new Error(`run: apt-get update && apt-get install -y ${name}`);
}

conforms("Debian's amqp-tools declare, publish, get, consume and delete", async ({ url }) => {
  need(isThere("amqp-publish", "--help"), "amqp-tools");
  const tool = async (name: string, ...args: readonly string[]) => {
    const { stdout } = await run(`amqp-${name}`, ["-u", url, ...args]);
    return stdout.trim();
  };
  const declared = await tool("declare-queue", "-d", "-q", "tools");
  for (const body of ["one", "two", "three"]) {
    await tool("publish", "-r", "tools", "-p", "-C", "text/plain", "-b", body);
  }
  const got = await tool("get", "-q", "tools");
  const consumed = await tool("consume", "-q", "tools", "-c", "2", "cat");
  const empty = await tool("get", "-q", "tools").catch(({ code }) => `exit ${code}`);
  const deleted = await tool("delete-queue", "-q", "tools");
  return { declared, got, consumed, empty, deleted };
});

/** Prints what pika saw, as JSON. */
const SCRIPT = `
import json, sys, pika
seen = {}
connection = pika.BlockingConnection(pika.URLParameters(sys.argv[1]))
channel = connection.channel()
channel.confirm_delivery()
channel.queue_declare("dead")
channel.queue_declare("q", arguments={"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "dead"})
channel.exchange_declare("x", "headers")
channel.queue_bind("q", "x", arguments={"x-match": "any", "kind": "a", "n": 1})
def publish(body, exchange="x", key="", **properties):
    try:
        channel.basic_publish(exchange, key, body, pika.BasicProperties(**properties), mandatory=True)
        return "routed"
    except pika.exceptions.UnroutableError:
        return "unroutable"
seen["publish"] = [publish("1", headers={"kind": "a"}), publish("2", headers={"n": 1}), publish("3", headers={"n": 2})]
method, properties, body = channel.basic_get("q")
seen["get"] = [method.message_count, method.redelivered, properties.headers, body.decode()]
channel.basic_nack(method.delivery_tag, requeue=True)
seen["consume"] = []
for method, properties, body in channel.consume("q", inactivity_timeout=5):
    seen["consume"].append([body.decode(), method.redelivered])
    if body == b"1": channel.basic_ack(method.delivery_tag)
    else: channel.basic_reject(method.delivery_tag, requeue=False)
    if len(seen["consume"]) == 2: break
seen["requeued"] = channel.cancel()
method, properties, body = next(channel.consume("dead", inactivity_timeout=5))
death = properties.headers["x-death"][0]
seen["dead"] = [body.decode(), death["reason"], death["queue"], death["count"], death["exchange"], death["routing-keys"]]
channel.basic_ack(method.delivery_tag)
channel.cancel()
replies = []
channel.basic_consume("amq.rabbitmq.reply-to", lambda c, m, p, b: replies.append([p.correlation_id, b.decode()]), auto_ack=True)
channel.queue_declare("rpc")
publish("ask", exchange="", key="rpc", reply_to="amq.rabbitmq.reply-to", correlation_id="7")
server = connection.channel()
method, properties, body = server.basic_get("rpc", auto_ack=True)
server.basic_publish("", properties.reply_to, b"answer", pika.BasicProperties(correlation_id=properties.correlation_id))
while not replies: connection.process_data_events(time_limit=1)
seen["replies"] = replies
def refused(ask):
    global connection
    if connection.is_closed: connection = pika.BlockingConnection(pika.URLParameters(sys.argv[1]))
    try: ask(connection.channel())
    except (pika.exceptions.ChannelClosedByBroker, pika.exceptions.ConnectionClosedByBroker) as error:
        return [type(error).__name__, error.reply_code]
    return None
seen["refusals"] = [
    refused(lambda c: c.queue_declare("absent", passive=True)),
    refused(lambda c: c.queue_declare("q", durable=True)),
    refused(lambda c: c.exchange_declare("amq.mine", "direct")),
    refused(lambda c: c.basic_ack(99) or c.queue_declare("", exclusive=True)),
    refused(lambda c: c.queue_bind("q", "absent")),
    refused(lambda c: c.basic_qos(prefetch_size=1)),
    refused(lambda c: c.tx_commit()),
]
connection.close()
print(json.dumps(seen))
`;

conforms(
  "pika in Python publishes, consumes, is answered, and is refused with the same codes",
  async ({ url }) => {
    need(isThere(PYTHON, "-c", "import pika"), "python3-pika");
    const { stdout } = await run(PYTHON, ["-c", SCRIPT, url], { timeout: 60_000 });
    return JSON.parse(stdout);
  },
);
