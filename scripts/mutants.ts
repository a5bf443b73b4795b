/**
 * `npm run mutants`: puts a grave mistake into a copy of the repository, one after another, and runs
 * the tests that have to notice. Fails when one of them passes or fails for another reason, or when
 * the mistake's text is not found.
 */
import { execFile } from "node:child_process";
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { startNode } from "../test/support/node.ts";

type Mutant = {
  readonly mistake: string;
  readonly file: string;
  /** Is there once. */
  readonly text: string;
  readonly instead: string;
  /** A test file and the part of a test's name. */
  readonly test: readonly [file: string, name: string];
  /** The assertion that has to fail: a test may fail for anything. */
  readonly failure: RegExp;
};

const MUTANTS: readonly Mutant[] = [
  {
    mistake: "a message is acked before its handler",
    file: "src/runtime/consume/running.ts",
    text: "    const readable = runs.filter((message) => !this.#refuse(message));",
    instead: `    for (const message of runs) ack(message);
    const readable = runs.filter((message) => !this.#refuse(message));`,
    test: ["test/runtime/faults.test.ts", "an ack from before a reconnect never settles another"],
    // The ack of A may also be lost with the first connection: then B's is not.
    failure: /^Error: waited \d+ ms for (?:A to be back in its queue|B to come again);/,
  },
  {
    mistake: "a message is acked on the channel of now, not on the one that brought it",
    file: "src/runtime/consume/dispatch.ts",
    text: "    this.#waiting.add(forRun({ incoming, raw, subscription, expiresAt }, nextId()));",
    instead: `    const newest = this as { subscription?: Live };
    newest.subscription = subscription;
    const message = forRun({ incoming, raw, subscription, expiresAt }, nextId());
    Object.defineProperty(message, "subscription", { get: () => newest.subscription });
    this.#waiting.add(message);`,
    test: ["test/runtime/faults.test.ts", "an ack from before a reconnect never settles another"],
    failure: /^Error: waited \d+ ms for B to come again;/,
  },
  {
    mistake: "a connection is closed without its channels",
    file: "src/broker-connection.ts",
    text: "channel.close()",
    instead: "Promise.resolve()",
    test: ["test/runtime/stop.test.ts", "an orderly stop loses no ack of a classic queue"],
    failure: /^Error: waited \d+ ms for queue work to have {"ready":60,"consumers":0};/,
  },
  {
    mistake: "a message is published when it is confirmed, though it was returned",
    file: "src/runtime/publish/lane.ts",
    text: '    const isReturned = outcome.status === "confirmed" && pending.returned !== null;',
    instead: "    const isReturned = false;",
    test: ["test/http/answers.test.ts", "422: what no queue takes is nowhere"],
    failure: /^AssertionError: expected \[ 202, .* to deeply equal \[ 422,/,
  },
  {
    mistake: "an apply writes down what it has made at its end alone",
    file: "src/apply/change/job.ts",
    text: "  if (entries.some(isPending)) await ledger.note({ owned: meanwhile });\n",
    instead: "",
    test: ["test/commands/apply-crash.test.ts", "killed at any moment and run again, apply ends"],
    // An apply that can't remove what holds on to the unknown, or a plan that lists it.
    failure:
      /^AssertionError: expected { (?:…\(3\)|format: 1, project: 'crash', .*) } to match object/,
  },
];

const REPOSITORY = fileURLToPath(new URL("..", import.meta.url));
const LEFT_OUT = new Set(["node_modules", ".git", "dist"]);

const CAUGHT = "caught";

const copies = await mkdtemp(join(tmpdir(), "warren-mutants-"));
const node = await startNode({ name: "warren-mutants" });
try {
  const tests = MUTANTS.map(({ test }) => test);
  // All at once: their tests wait more than they work.
  const [sound, ...outcomes] = await Promise.all([soundRun(tests), ...MUTANTS.map(fateOf)]);
  if (sound.failures.length > 0 || sound.passed < new Set(tests.map(String)).size) {
    const failures = sound.failures.map((one) => `\n${one}`).join("");
    throw new Error(`without a mutant ${sound.passed} tests pass, and these fail:${failures}`);
  }
  for (const [index, { mistake }] of MUTANTS.entries())
    console.log(`${outcomes[index]}: ${mistake}`);
  process.exitCode = outcomes.every((outcome) => outcome === CAUGHT) ? 0 : 1;
} finally {
  await node.stop();
  await rm(copies, { recursive: true, force: true });
}

async function copyTo(name: string): Promise<string> {
  const folder = join(copies, name);
  const filter = (source: string) => !LEFT_OUT.has(basename(source));
  await cp(REPOSITORY, folder, { recursive: true, filter });
  await symlink(join(REPOSITORY, "node_modules"), join(folder, "node_modules"));
  return folder;
}

/** Without a mutant, so that a test which fails of itself catches nothing. */
async function soundRun(tests: readonly Mutant["test"][]): Promise<Totals> {
  return await run(await copyTo("sound"), tests);
}

/** `caught` if the test failed as it has to, and in no other way. */
async function fateOf(
  { file, text, instead, test, failure }: Mutant,
  index: number,
): Promise<string> {
  const folder = await copyTo(`mutant-${index}`);
  const path = join(folder, file);
  const parts = (await readFile(path, "utf8")).split(text);
  if (parts.length !== 2) throw new Error(`${file} has ${parts.length - 1} times: ${text}`);
  await writeFile(path, parts.join(instead));
  const { failures } = await run(folder, [test], { WARREN_WAIT_MS: "30000" });
  if (failures.length === 0) return "SURVIVED";
  const others = failures.filter((one) => !failure.test(one));
  return others.length === 0 ? CAUGHT : `FAILED OTHERWISE (${others.join("; ")})`;
}

/** What was said of each test that failed is in `failures`. */
type Totals = { readonly passed: number; readonly failures: readonly string[] };

type Report = {
  readonly numPassedTests: number;
  readonly testResults: readonly {
    readonly assertionResults: readonly { readonly failureMessages?: readonly string[] }[];
  }[];
};

/** A file that can't be loaded has no failed test, so it catches nothing. */
async function run(
  folder: string,
  tests: readonly Mutant["test"][],
  more: Readonly<Record<string, string>> = {},
): Promise<Totals> {
  const report = join(folder, "report.json");
  const files = new Set(tests.map(([file]) => file));
  const names = tests.map(([, name]) => name).join("|");
  const args = [
    "vitest",
    "run",
    ...files,
    "-t",
    names,
    "--reporter=json",
    `--outputFile=${report}`,
  ];
  const env = {
    ...process.env,
    RABBITMQ_URL: node.amqpUrl,
    RABBITMQ_MANAGEMENT_URL: node.managementUrl,
    ...more,
  };
  await promisify(execFile)("npx", args, { cwd: folder, env }).catch(() => undefined);
  const { numPassedTests, testResults } = JSON.parse(await readFile(report, "utf8")) as Report;
  const results = testResults.flatMap(({ assertionResults }) => assertionResults);
  const failures = results.flatMap(({ failureMessages = [] }) => failureMessages);
  return {
    passed: numPassedTests,
    failures: failures.map((one) => one.split("\n    at ")[0] ?? ""),
  };
}
