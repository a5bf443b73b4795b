import { setTimeout as delay } from "node:timers/promises";
import { openClient } from "../test/support/client.ts";
import { handlerText, startThreaded } from "../test/support/threaded.ts";
import type { Vhost } from "../test/support/vhost.ts";
import { waitFor } from "../test/support/wait-for.ts";
import { compare, type Measurement, median, rounded } from "./measure.ts";
import { createShop, type Form, type Shop } from "./shop.ts";

/** How often a message comes that shows which code runs. */
const PROBE_MS = 5;
/** An edit comes seldom: each finds the runner at rest, which has another thread ready by then. */
const REST_MS = 2_000;
/** Where that is not timed: messages leave garbage, too. */
const RARE_PROBE_MS = 25;

/**
 * Milliseconds from the save of a handler of the bookshop to the first message that the new code
 * has handled; against a stop and a start of the process.
 */
export async function benchReload(
  vhost: Vhost,
  form: Form,
  { rounds }: { readonly rounds: number },
): Promise<Measurement> {
  return await withShop(vhost, form, PROBE_MS, async (shop, next) => {
    return await compare(`reload-from-${form}`, "ms", rounds, {
      ours: () => rested(() => saved(shop, next())),
      theirs: () =>
        rested(async () => {
          const version = next();
          shop.save(version);
          await shop.stop();
          const handled = shop.handled(version);
          await shop.start();
          await handled;
        }),
    });
  });
}

/**
 * Resident memory after so many reloads against that after 10, each the least after five reloads,
 * since a thread may be coming or going. Before the first there are messages enough for the
 * runner's own heap to have grown.
 */
export async function benchReloadMemory(
  vhost: Vhost,
  { reloads }: { readonly reloads: number },
): Promise<Measurement> {
  return await withShop(vhost, "dist", RARE_PROBE_MS, async (shop, next, publish) => {
    for (let round = 0; round < reloads; round++) {
      await Promise.all(Array.from({ length: 100 }, publish));
    }
    const sizes: number[] = [];
    for (let reload = 0; reload < reloads + 2; reload++) {
      await saved(shop, next());
      sizes.push(shop.residentMiB);
    }
    const around = (reload: number) => rounded(Math.min(...sizes.slice(reload - 3, reload + 2)));
    const [ours, theirs] = [around(reloads), around(10)];
    return {
      name: "reload-memory",
      ratio: rounded(ours / theirs),
      ours,
      theirs,
      unit: "MiB",
    };
  });
}

async function saved(shop: Shop, version: number): Promise<void> {
  const handled = shop.handled(version);
  shop.save(version);
  await handled;
}

/** How long it takes once nothing has happened for a while, in milliseconds. */
async function rested(work: () => Promise<void>): Promise<number> {
  await delay(REST_MS);
  const begin = performance.now();
  await work();
  return performance.now() - begin;
}

async function withShop<T>(
  vhost: Vhost,
  form: Form,
  probeMs: number,
  use: (shop: Shop, next: () => number, publish: () => Promise<unknown>) => Promise<T>,
): Promise<T> {
  const shop = await createShop(vhost.url, form);
  const client = await openClient(vhost.url, "bench reload");
  const probing = new AbortController();
  let version = 1;
  try {
    shop.save(version);
    await shop.start();
    const book = { event_type: "book.created", book_id: "1", title: "probe" };
    const publish = () => client.publish("books", "book.created", book);
    const probe = async () => {
      while (!probing.signal.aborted) {
        await publish();
        await delay(probeMs);
      }
    };
    const probed = probe();
    const result = await use(shop, () => ++version, publish);
    probing.abort();
    await probed;
    return result;
  } finally {
    probing.abort();
    await shop.stop();
    await client.close();
    shop.remove();
  }
}

const topology = `
worker: { crashes: 1 }
defaults: { deadLetter: none, retry: none }
exchanges: { jobs: { type: direct } }
queues:
  probe: { bind: { jobs: probe }, handler: probe }
  fatal: { bind: { jobs: fatal }, handler: fatal }
`;

/** Milliseconds without a handled message when the thread of the handlers dies and another starts. */
export async function benchWorkerRestart(
  vhost: Vhost,
  { rounds }: { readonly rounds: number },
): Promise<Measurement> {
  const warren = await startThreaded({
    url: vhost.url,
    topology,
    handlers: {
      probe: handlerText('log.info({}, "probe");'),
      fatal: handlerText("process.reallyExit(1);"),
    },
  });
  const client = await openClient(vhost.url, "bench restart");
  const times: number[] = [];
  try {
    for (let round = 0; round < rounds; round++) {
      const { restarts } = warren.runner.status().handlers;
      const gap = longestGap(() => warren.logged("probe").length);
      const publish = client.publish;
      await publish("jobs", "fatal", {});
      await waitFor(
        async () => {
          await publish("jobs", "probe", {});
          const { handlers } = warren.runner.status();
          return handlers.restarts > restarts && handlers.quarantined === 0 && gap.isOver();
        },
        { what: "another thread", everyMs: PROBE_MS, timeoutMs: 30_000 },
      );
      times.push(gap.end());
    }
  } finally {
    await client.close();
    await warren.stop();
  }
  const ours = rounded(median(times));
  return { name: "worker-restart", ratio: null, ours, theirs: null, unit: "ms" };
}

/** The longest time in which a count that should go up did not. */
function longestGap(count: () => number) {
  let [last, since, longest, ups] = [count(), performance.now(), 0, 0];
  const timer = setInterval(() => {
    if (count() === last) return;
    last = count();
    longest = Math.max(longest, performance.now() - since);
    since = performance.now();
    ups += 1;
  }, 1);
  return {
    isOver: () => ups >= 3,
    end: () => {
      clearInterval(timer);
      return longest;
    },
  };
}
