/** Sums on the host, in float64: from Σ value and Σ normalizer of each part of a loss to the means that are reported. */
import type { Part } from "./objective.js";

export interface HostSums {
  value: number;
  normalizer: number;
}

/** Of numbers that alternate, from `first` on. */
export function hostSums(numbers: ArrayLike<number>, first = 0): HostSums[] {
  const sums: HostSums[] = [];
  for (let i = first; i < numbers.length; i += 2) sums.push({ value: numbers[i]!, normalizer: numbers[i + 1]! });
  return sums;
}

/** The same, into sums that are there already. */
export function readSums(sums: HostSums[], numbers: ArrayLike<number>, first = 0): void {
  const count = (numbers.length - first) / 2;
  while (sums.length < count) sums.push({ value: 0, normalizer: 0 });
  sums.length = count;
  for (let i = 0; i < count; i++) {
    sums[i]!.value = numbers[first + 2 * i]!;
    sums[i]!.normalizer = numbers[first + 2 * i + 1]!;
  }
}

/** Adds a batch's sums to those of the batches before it; none are 0. */
export function addSums(totals: HostSums[], sums: readonly HostSums[]): void {
  for (let i = 0; i < sums.length; i++) {
    const { value, normalizer } = sums[i]!;
    const total = totals[i];
    if (total === undefined) totals.push({ value, normalizer });
    else {
      total.value += value;
      total.normalizer += normalizer;
    }
  }
}

/** Σ weight · value / normalizer; of several parts those for which nothing counted are left out. */
export function riskOf(parts: readonly Part[], sums: readonly HostSums[]): number {
  if (sums.length === 1) return parts[0]!.weight * (sums[0]!.value / sums[0]!.normalizer);
  const hasWeight = sums.map(({ normalizer }) => normalizer > 0);
  if (!hasWeight.includes(true)) return NaN;
  return sums.reduce((risk, { value, normalizer }, i) => risk + (hasWeight[i]! ? parts[i]!.weight * (value / normalizer) : 0), 0);
}

const none: Readonly<Record<string, number>> = Object.freeze({});

/** Each named part's own mean, without its weight. */
export function meansOf(parts: readonly Part[], sums: readonly HostSums[]): Readonly<Record<string, number>> {
  // Of a loss by itself, at every step: nothing is made.
  if (sums.length === 1 && parts[0]!.name === undefined) return none;
  return Object.fromEntries(
    sums.flatMap(({ value, normalizer }, i) => {
      const { name } = parts[i]!;
      return name === undefined ? [] : [[name, value / normalizer] as const];
    }),
  );
}
