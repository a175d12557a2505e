/** Times steps: each candidate's in turn, so that what slows the machine for a while slows all of them. */
import type { DetachedSteps } from "./steps.js";

/** Milliseconds that one turn of a candidate should last, so that the clock's grain and a pause of the collector do not matter. */
const turn = 4;
const fewestRounds = 3;

/**
 * The median milliseconds a step of each candidate.
 *
 * @param budget about how many milliseconds it may take in all, the first step of each (which builds its program) not counted
 */
export async function timeSteps(candidates: readonly DetachedSteps[], budget: number): Promise<number[]> {
  const counts: number[] = [];
  for (const candidate of candidates) {
    await stepTimes(candidate, 1);
    const millisecondsOnce = await stepTimes(candidate, 1);
    counts.push(Math.min(200, Math.max(1, Math.round(turn / Math.max(millisecondsOnce, 1e-3)))));
  }
  const times: number[][] = candidates.map(() => []);
  const until = performance.now() + budget;
  for (let round = 0; round < fewestRounds || performance.now() < until; round++) {
    for (const [i, candidate] of candidates.entries()) times[i]!.push(await stepTimes(candidate, counts[i]!));
  }
  return times.map(median);
}

/** Milliseconds a step over `count` of them. */
async function stepTimes({ step }: DetachedSteps, count: number): Promise<number> {
  const started = performance.now();
  for (let i = 0; i < count; i++) {
    const pending = step();
    if (pending !== undefined) await pending;
  }
  return (performance.now() - started) / count;
}

export const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!;
