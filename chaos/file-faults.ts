/** What people save while the runners run. */
import { openClient } from "../test/support/client.ts";
import { waitFor } from "../test/support/wait-for.ts";
import type { Editor } from "./editor.ts";
import type { Fault, World } from "./fault.ts";
import type { Command } from "./fleet.ts";

/** Long enough for a runner that is being started, or waits for its broker. */
const TAKEN = { timeoutMs: 60_000, everyMs: 100 };
const save = { lane: "files", losesConnections: false, isOutage: false } as const;

export const fileFaults: readonly Fault[] = [
  { ...save, name: "RELOAD", edit: "taken", run: saving((editor) => editor.saveHandler()) },
  { ...save, name: "DEPEND", edit: "taken", run: saving((editor) => editor.saveDependency()) },
  { ...save, name: "HALF", edit: "taken", run: saving((editor) => editor.saveHandlerSlowly()) },
  {
    ...save,
    name: "BROKEN",
    edit: "refused",
    run: refused("any", {
      spoil: (editor) => editor.breakHandler(),
      mend: (editor) => editor.saveHandler(),
    }),
  },
  { ...save, name: "ADD", edit: "taken", isForDev: true, run: addQueue },
  {
    ...save,
    name: "YAML",
    edit: "refused",
    isForDev: true,
    run: refused("dev", {
      spoil: (editor) => editor.breakTopology(),
      mend: (editor) => editor.restoreTopology(),
    }),
  },
  {
    ...save,
    name: "DRIFT",
    edit: "refused",
    isForDev: true,
    run: refused("dev", {
      spoil: (editor) => editor.changeQueue(),
      mend: (editor) => editor.restoreTopology(),
    }),
  },
];

/** What was saved runs in every process. */
function saving(edit: Edit): Fault["run"] {
  return async (world) => {
    await edit(world.editor);
    await untilRun(world);
    return undefined;
  };
}

type Edit = (editor: Editor) => Promise<void>;

/** What was saved is refused, the last good version goes on, and what is saved then is taken. */
function refused(command: Command | "any", { spoil, mend }: Record<"spoil" | "mend", Edit>) {
  return async (world: World): Promise<undefined> => {
    const { editor, fleet } = world;
    const refusals = (what: string, isDone: (count: number) => boolean) =>
      waitFor(async (seen) => seen(await fleet.refusals(command)).every(isDone), {
        ...TAKEN,
        what: `the runners to ${what} what was saved`,
      });
    const { pids } = fleet;
    await spoil(editor);
    try {
      await refusals("refuse", (count) => count > 0);
      await untilGoingOn(world, pids);
    } finally {
      await mend(editor);
    }
    await refusals("take", (count) => count === 0);
    await untilRun(world);
  };
}

/** Those that ran before handle something more, unless they have been ended meanwhile. */
async function untilGoingOn({ fleet, runs }: World, pids: readonly number[]): Promise<void> {
  const known = (await runs.read()).runs.length;
  await waitFor(
    async (seen) => {
      const since = new Set((await runs.read()).runs.slice(known).map(({ pid }) => pid));
      return seen(pids.filter((pid) => fleet.pids.includes(pid) && !since.has(pid))).length === 0;
    },
    { ...TAKEN, what: "the last good version to go on" },
  );
}

async function addQueue({ editor, node }: World): Promise<undefined> {
  const queue = await editor.addQueue();
  try {
    await waitFor(async (seen) => seen(await consumersOf(node.amqpUrl, queue)) > 0, {
      ...TAKEN,
      what: `queue ${queue} to be declared and consumed`,
    });
  } finally {
    await editor.restoreTopology();
  }
}

/** With a connection of its own each time: the broker may be away meanwhile. */
async function consumersOf(url: string, queue: string): Promise<number> {
  const client = await openClient(url, "operator");
  try {
    return (await client.queueCounts(queue))?.consumers ?? 0;
  } finally {
    await client.close();
  }
}

/** The newest run in each process is one of the newest handler. */
async function untilRun({ editor, fleet, runs }: World): Promise<void> {
  await waitFor(
    async (seen) => {
      const newest = new Map((await runs.read()).runs.map(({ pid, revision }) => [pid, revision]));
      const revisions = seen(fleet.pids.map((pid) => newest.get(pid)));
      return revisions.length > 0 && revisions.every((revision) => revision === editor.revision);
    },
    { ...TAKEN, what: `revision ${editor.revision} to run everywhere` },
  );
}
