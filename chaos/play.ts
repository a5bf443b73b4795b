/** Plays a schedule: the lanes beside each other, the faults of a lane one after another. */
import { setTimeout as sleep } from "node:timers/promises";
import { messageOf } from "../src/errors.ts";
import { now } from "./clock.ts";
import type { Happened } from "./evidence.ts";
import type { Fault, World } from "./fault.ts";
import type { Planned, Schedule } from "./schedule.ts";

/** Between two faults of a lane, so that there is calm to return to. */
const REST_MS = 1_500;

/** @returns every fault as it happened, in the order of their beginnings. */
export async function play(
  schedule: Schedule,
  world: World,
  note: (text: string) => void,
): Promise<readonly Happened[]> {
  const begin = now();
  const lane = async (planned: readonly Planned[]) => {
    const happened: Happened[] = [];
    for (const { fault, atMs, latestMs } of planned) {
      await sleep(Math.max(0, begin + atMs - now()));
      if (latestMs !== null && now() > begin + latestMs) {
        note(`${fault.name} is left out: its time is over`);
        continue;
      }
      happened.push(await inflict(fault, world, note));
      await sleep(REST_MS);
    }
    return happened;
  };
  const lanes = await Promise.all(Object.values(schedule).map(lane));
  return lanes.flat().sort((a, b) => a.begin - b.begin);
}

async function inflict(
  fault: Fault,
  world: World,
  note: (text: string) => void,
): Promise<Happened> {
  const { name, losesConnections, isOutage, edit = null } = fault;
  note(`${name} begins`);
  const begin = now();
  let end: number | null = null;
  let error: string | null = null;
  try {
    const heal = await fault.run(world);
    end = now();
    await heal?.();
  } catch (reason) {
    error = messageOf(reason);
  }
  end ??= now();
  note(`${name} is over after ${Math.round(end - begin)} ms${error === null ? "" : `: ${error}`}`);
  return { name, losesConnections, isOutage, edit, begin, end, error };
}
