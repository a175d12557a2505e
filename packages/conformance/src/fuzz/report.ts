/** The report of `ermine-fuzz`. */
import type { FuzzDifference, FuzzReport } from "./run.js";

/** The report without what its differences are made of: what goes from one process to another. */
export interface FuzzCounts {
  readonly programs: number;
  readonly discarded: Readonly<Record<string, number>>;
  readonly differences: number;
}

export const countsOf = ({ programs, discarded, differences }: FuzzReport): FuzzCounts => ({
  programs,
  discarded,
  differences: differences.length,
});

const total = (discarded: Readonly<Record<string, number>>): number => Object.values(discarded).reduce((a, b) => a + b, 0);

/** More than a fifth of the programs could not be judged. */
export const discardsTooMany = ({ programs, discarded }: FuzzCounts): boolean => total(discarded) > programs / 5;

export const sumOfCounts = (all: readonly FuzzCounts[]): FuzzCounts =>
  all.reduce(
    (sum, one) => {
      const discarded = { ...sum.discarded };
      for (const [reason, count] of Object.entries(one.discarded)) discarded[reason] = (discarded[reason] ?? 0) + count;
      return { programs: sum.programs + one.programs, discarded, differences: sum.differences + one.differences };
    },
    { programs: 0, discarded: {}, differences: 0 },
  );

/** "2000 programs on cpu fast, seeds 1 … 2000: 0 differences, 90 discarded (4.5 %: 61 out of range, 29 unstable), 20 s". */
export function describeFuzz(labels: readonly string[], seed: number, counts: FuzzCounts, seconds: number): string {
  const { programs, discarded, differences } = counts;
  const lost = total(discarded);
  const reasons = Object.entries(discarded).map(([reason, count]) => `${count} ${reason}`);
  const share = programs === 0 ? 0 : (100 * lost) / programs;
  return (
    `${programs} programs on ${labels.join(", ")}, seeds ${seed} … ${seed + Math.max(0, programs - 1)}: ${differences} difference${differences === 1 ? "" : "s"}, ` +
    `${lost} discarded (${[`${share.toFixed(1)} %`, ...(reasons.length > 0 ? [reasons.join(", ")] : [])].join(": ")}), ${seconds.toFixed(0)} s`
  );
}

/** The difference, and the program to paste into a test. */
export const describeFuzzDifference = ({ seed, target, mode, difference, source }: FuzzDifference): string =>
  `\n✗ seed ${seed}, ${target}, ${mode}: ${difference}\n\n${source
    .split("\n")
    .map((line) => (line === "" ? line : `    ${line}`))
    .join("\n")}`;
