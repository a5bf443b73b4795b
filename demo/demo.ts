/**
 * `npm run demo`: publishes every scenario to a running bookshop and shows which handlers got it
 * and how each ended. Exit 0 if all ended as expected, 1 otherwise.
 */
import { existsSync } from "node:fs";
import { formatProblem } from "../src/errors.ts";
import { load } from "../src/loader/load.ts";
import { route } from "../src/routing/route.ts";
import type { TracedDelivery } from "../src/runtime/trace.ts";
import type { Topology } from "../src/topology.ts";
import { ask, DemoError, follow, publish } from "./client.ts";
import { question, type Scenario, scenarios } from "./scenarios.ts";

/** One line of a scenario's table. */
type Row = { readonly isExpected: boolean; readonly cells: readonly string[] };

async function main(): Promise<number> {
  if (existsSync(".env")) process.loadEnvFile();
  const loaded = load({ file: "topology.yaml", env: process.env });
  if (!loaded.ok) {
    console.error(loaded.problems.map(formatProblem).join("\n"));
    return 1;
  }
  const { http } = loaded.topology;
  const host = http.host.includes(":") ? `[${http.host}]` : http.host;
  const url = process.env.WARREN_URL ?? `http://${host}:${http.port}`;
  let failures = 0;
  for (const scenario of scenarios) {
    const rows = await play(loaded.topology, url, scenario);
    failures += rows.filter(({ isExpected }) => !isExpected).length;
  }
  console.log(`${question.title}\n  POST ${question.path} ${JSON.stringify(question.body)}`);
  console.log(`  200 ${await ask(url, question.path, question.body)}\n`);
  console.log(failures === 0 ? "All ended as expected." : `${failures} did not end as expected.`);
  return failures === 0 ? 0 : 1;
}

async function play(topology: Topology, url: string, scenario: Scenario): Promise<readonly Row[]> {
  console.log(`${scenario.title}\n  POST ${scenario.path} ${JSON.stringify(scenario.body)}`);
  const { message_id, exchange, routing_key } = await publish(url, scenario.path, scenario.body);
  console.log(`  202 confirmed: ${exchange} ${routing_key} ${message_id}`);
  const queues = route(topology, exchange, routing_key, {}).queues.filter(
    (queue) => topology.queues[queue]?.handler,
  );
  const deliveries = await follow(url, message_id, queues);
  const rows = queues.map((queue) => rowOf(queue, deliveries.get(queue), scenario));
  console.log(`${table(rows)}\n`);
  return rows;
}

function rowOf(queue: string, delivery: TracedDelivery | undefined, scenario: Scenario): Row {
  const expected = scenario.rejectedBy.includes(queue) ? "dead-lettered" : "handled";
  const outcome = delivery?.outcome ?? "not seen";
  const isExpected = outcome === expected;
  const attempts = delivery === undefined ? "" : `attempt ${delivery.attempt}`;
  const time = delivery === undefined ? "" : `${Math.round(delivery.ms)} ms`;
  const remark = isExpected ? "" : `expected: ${expected}`;
  return { isExpected, cells: [queue, delivery?.handler ?? "", outcome, attempts, time, remark] };
}

/** The rows with their columns aligned. */
function table(rows: readonly Row[]): string {
  const widthOf = (column: number) =>
    Math.max(0, ...rows.map(({ cells }) => cells[column]?.length ?? 0));
  return rows
    .map(({ cells }) => cells.map((cell, column) => cell.padEnd(widthOf(column))).join("  "))
    .map((line) => `    ${line.trimEnd()}`)
    .join("\n");
}

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof DemoError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
