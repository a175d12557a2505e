/** Sums on the host, in float64: from Σ value and Σ normalizer of each part of a loss to the means that are reported. */
import type { Part } from "./objective.js";

export interface HostSums {
  readonly value: number;
  readonly normalizer: number;
}

/** Of numbers that alternate, from `first` on. */
export function hostSums(numbers: ArrayLike<number>, first = 0): HostSums[] {
  const sums: HostSums[] = [];
  for (let i = first; i < numbers.length; i += 2) sums.push({ value: numbers[i]!, normalizer: numbers[i + 1]! });
  return sums;
}

export const addSums = (a: readonly HostSums[] | undefined, b: readonly HostSums[]): readonly HostSums[] =>
  a === undefined
    ? b
    : a.map(({ value, normalizer }, i) => ({ value: value + b[i]!.value, normalizer: normalizer + b[i]!.normalizer }));

/** Σ weight · value / normalizer; of several parts those for which nothing counted are left out. */
export function riskOf(parts: readonly Part[], sums: readonly HostSums[]): number {
  if (sums.length === 1) return parts[0]!.weight * (sums[0]!.value / sums[0]!.normalizer);
  const counted = sums.map(({ normalizer }) => normalizer > 0);
  if (!counted.includes(true)) return NaN;
  return sums.reduce((risk, { value, normalizer }, i) => risk + (counted[i]! ? parts[i]!.weight * (value / normalizer) : 0), 0);
}

/** Each named part's own mean, without its weight. */
export const meansOf = (parts: readonly Part[], sums: readonly HostSums[]): Record<string, number> =>
  Object.fromEntries(
    sums.flatMap(({ value, normalizer }, i) => (parts[i]!.name === "" ? [] : [[parts[i]!.name, value / normalizer] as const])),
  );
