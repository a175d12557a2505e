/** One task, done by all contestants in turn, round after round, so that what disturbs the machine disturbs them all. */
import { setTimeout } from "node:timers/promises";
import type { Contestant } from "./contestants.js";
import { summarize, type Summary } from "./statistics.js";
import type { Ready, Task } from "./task.js";

export interface Measured {
  readonly name: string;
  readonly own: boolean;
  readonly threads: number;
  readonly engine: string;
  /** Milliseconds a step. */
  readonly time: Summary;
  /** As `Ready` has them. */
  readonly value?: number;
  readonly firstStep?: number;
  readonly program?: { readonly held: number; readonly live: number };
  /** What it does instead, where it does not compute the same. */
  readonly differs?: string;
}

export interface NotRun {
  readonly name: string;
  readonly own: boolean;
  /** "not run (needs …: …)" or "not run (…)". */
  readonly reason: string;
}

export type Entry = Measured | NotRun;
export const isMeasured = (entry: Entry): entry is Measured => "time" in entry;

export interface Pace {
  readonly rounds: number;
  /** How long one contestant's turn is. */
  readonly milliseconds: number;
}

export const notRun = (ready: Exclude<Ready, { engine: string }>): string =>
  "needs" in ready ? `not run (needs ${ready.needs}: ${ready.remedy})` : `not run (${ready.cannot})`;

/** Relative difference of losses and outputs that are the same computation in float32, in another order. */
export const lossTolerance = 1e-4;

/** What came of it; a peer that breaks is not run, while one of ermine's own that breaks ends the benchmark. */
async function attempt<T>(contestant: Contestant, fn: () => Promise<T>): Promise<T | string> {
  try {
    return await fn();
  } catch (error) {
    if (contestant.spec.own) throw error;
    const lines = String((error as Error).message).split("\n");
    return lines.find((line) => /error/i.test(line))?.trim() ?? lines[0]!;
  }
}

/** Threads that wait for more work spin a while: the next one's turn begins when they sleep. */
const pause = 20;

/** @param task one for all, or each one's own */
export async function contest(
  contestants: readonly Contestant[],
  task: Task | ((contestant: Contestant) => Task),
  pace: Pace,
): Promise<readonly Entry[]> {
  const entries: (Entry | undefined)[] = [];
  const ready: { readonly contestant: Contestant; readonly at: number; readonly times: number[] }[] = [];
  const said = new Map<number, Extract<Ready, { engine: string }>>();
  for (const [at, contestant] of contestants.entries()) {
    const answer = await attempt(contestant, () => contestant.prepare(typeof task === "function" ? task(contestant) : task));
    const { name, own } = contestant.spec;
    if (typeof answer === "string") entries[at] = { name, own, reason: `not run (it failed: ${answer})` };
    else if ("engine" in answer) {
      ready.push({ contestant, at, times: [] });
      said.set(at, answer);
    } else entries[at] = { name, own, reason: notRun(answer) };
  }
  // Engines optimize what they have seen often: the first turns are not counted.
  for (const { contestant } of ready) await contestant.turn(pace.milliseconds);
  for (let round = 0; round < pace.rounds; round++) {
    for (let k = 0; k < ready.length; k++) {
      // Another one goes first each time.
      const { contestant, times } = ready[(k + round) % ready.length]!;
      await setTimeout(pause);
      const { steps, milliseconds } = await contestant.turn(pace.milliseconds);
      times.push(milliseconds / steps);
    }
  }
  const reference = ready.map(({ at }) => said.get(at)!.value).find((value) => value !== undefined);
  for (const { contestant, at, times } of ready) {
    const { differs, ...rest } = said.get(at)!;
    const { name, own } = contestant.spec;
    const note = [differs, differsFrom(rest.value, reference)].filter((text) => text !== undefined).join("; ");
    const { threads } = contestant;
    entries[at] = { name, own, threads, ...rest, time: summarize(times), ...(note === "" ? {} : { differs: note }) };
  }
  return entries as readonly Entry[];
}

/** What is said of a first loss or output that is not the one that ermine computes from the same parameters and batch. */
export function differsFrom(value: number | undefined, reference: number | undefined): string | undefined {
  if (value === undefined || reference === undefined) return undefined;
  if (Math.abs(value - reference) <= lossTolerance * Math.max(1, Math.abs(reference))) return undefined;
  return `another first value: ${value.toPrecision(6)}, not ${reference.toPrecision(6)}`;
}
