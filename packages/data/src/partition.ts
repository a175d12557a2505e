/** Indices shared out among parts: at random, with the same mix of classes, whole groups, or by time. */
import { ErmineError, hashKey, shuffledIndices } from "@ermine/core";
import { checkOptions, show } from "@ermine/core/define";

/** What tells classes or groups apart. */
export type Label = string | number | boolean | null;

/** How items are shared out among parts; of `stratify`, `group` and `time` at most one. */
export interface SplitOptions<T> {
  /** Decides which items go where. Default 0. Not used with `time`. */
  readonly seed?: number;
  /** The item's class: each part gets the same mix of classes. Default: parts are drawn at random. */
  readonly stratify?: (item: T, index: number) => Label;
  /** The item's group (a patient, a writer): all of a group go to one part, so that none is known from training. Default: each is its own. */
  readonly group?: (item: T, index: number) => Label;
  /** When the item was: earlier items go to earlier parts, those of one time to one part. Default: parts are drawn at random. */
  readonly time?: (item: T, index: number) => number | Date;
}

const kinds = { seed: "number", stratify: "function", group: "function", time: "function" } as const;

/**
 * The indices 0 … count − 1 in as many parts as there are fractions, in ascending order (by time: in its order).
 *
 * @throws ErmineError ERMINE_OPTION where fractions or options do not fit, ERMINE_DATA where a part would be empty, ERMINE_VALUE for a time that is none
 */
export function partition<T>(
  where: string,
  count: number,
  at: (index: number) => T,
  fractions: ReadonlyMap<string, number>,
  options: SplitOptions<T> = {},
): readonly Int32Array[] {
  checkOptions<SplitOptions<T>>(where, options, kinds);
  const { seed = 0, stratify, group, time } = options;
  const ways = Object.entries({ stratify, group, time }).flatMap(([name, way]) => (way === undefined ? [] : [name]));
  if (ways.length > 1)
    throw new ErmineError(
      "ERMINE_OPTION",
      `${where}: ${ways.join(" and ")} were given, of which one at most has effect. Choose one.`,
    );
  const quotas = [...fractions.values()];
  const labels = (label: (item: T, index: number) => Label): Label[] => Array.from({ length: count }, (_, i) => label(at(i), i));
  const parts =
    time !== undefined
      ? byTime(
          Array.from({ length: count }, (_, i) => timeOf(where, time(at(i), i), i)),
          quotas,
        )
      : group !== undefined
        ? byGroup(labels(group), quotas, seed)
        : stratify !== undefined
          ? inTurns(byLabel(labels(stratify), shuffled(count, seed)).flat(), quotas)
          : cut(shuffled(count, seed), quotas).map((part) => part.sort());
  [...fractions.keys()].forEach((name, i) => {
    if (parts[i]!.length > 0) return;
    throw new ErmineError(
      "ERMINE_DATA",
      `${where}: "${name}" would be empty: ${count} items${group === undefined ? "" : ` in ${new Set(labels(group)).size} groups`} are shared out among ` +
        `${parts.length} parts${time === undefined ? "" : ", and those of one time stay together"}. Give fewer parts or larger fractions.`,
    );
  });
  return parts;
}

/** @throws ErmineError ERMINE_OPTION where they are no fractions of 1 */
export function checkFractions(where: string, fractions: Readonly<Record<string, number>>): ReadonlyMap<string, number> {
  const entries = Object.entries(typeof fractions === "object" && fractions !== null ? fractions : {});
  const sum = entries.reduce((total, [, fraction]) => total + fraction, 0);
  if (
    entries.length >= 2 &&
    entries.every(([, fraction]) => typeof fraction === "number" && fraction > 0) &&
    Math.abs(sum - 1) < 1e-9
  )
    return new Map(entries);
  throw new ErmineError(
    "ERMINE_OPTION",
    `${where} takes at least two parts by name, fractions above 0 that add up to 1; got ${show(fractions)}. ` +
      `Write ${where}({ training: 0.8, validation: 0.1, test: 0.1 }).`,
  );
}

const shuffled = (count: number, seed: number): Int32Array => shuffledIndices(count, hashKey(seed, "split"));

/** Consecutive parts; the ends are rounded, so that sizes are right to one. */
function cut(order: Int32Array, quotas: readonly number[], move = (end: number): number => end): Int32Array[] {
  let sum = 0;
  let from = 0;
  return quotas.map((quota, i) => {
    sum += quota;
    const end = i === quotas.length - 1 ? order.length : Math.max(from, move(Math.round(sum * order.length)));
    const part = order.slice(from, end);
    from = end;
    return part;
  });
}

function byTime(times: readonly number[], quotas: readonly number[]): Int32Array[] {
  const order = Int32Array.from(times.keys()).sort((a, b) => times[a]! - times[b]! || a - b);
  return cut(order, quotas, (end) => {
    let moved = end;
    while (moved > 0 && moved < order.length && times[order[moved]!] === times[order[moved - 1]!]) moved++;
    return moved;
  });
}

function timeOf(where: string, time: number | Date, index: number): number {
  const value = Number(time);
  if (!Number.isNaN(value)) return value;
  throw new ErmineError(
    "ERMINE_VALUE",
    `${where}: the time of item ${index} is ${show(time)}: a number or a valid Date is needed.`,
  );
}

/** The indices of each label, in the order given. */
function byLabel(labels: readonly Label[], order: Int32Array): number[][] {
  const members = new Map<Label, number[]>();
  for (const index of order) {
    const list = members.get(labels[index]!);
    if (list === undefined) members.set(labels[index]!, [index]);
    else list.push(index);
  }
  return [...members.values()];
}

/** Each goes to the part that lacks most: any run of them is shared out as the whole is. */
function inTurns(order: readonly number[], quotas: readonly number[]): Int32Array[] {
  const parts = quotas.map((): number[] => []);
  order.forEach((index, taken) => {
    parts[
      mostLacking(
        parts.map(({ length }) => length),
        quotas,
        taken + 1,
      )
    ]!.push(index);
  });
  return parts.map((part) => Int32Array.from(part).sort());
}

/** Large groups first, each to the part that lacks most. */
function byGroup(labels: readonly Label[], quotas: readonly number[], seed: number): Int32Array[] {
  const parts = quotas.map((): number[] => []);
  const groups = byLabel(labels, shuffled(labels.length, seed)).sort((a, b) => b.length - a.length);
  for (const members of groups) {
    const sizes = parts.map(({ length }) => length);
    parts[mostLacking(sizes, quotas, labels.length)]!.push(...members);
  }
  return parts.map((part) => Int32Array.from(part).sort());
}

function mostLacking(sizes: readonly number[], quotas: readonly number[], of: number): number {
  let best = 0;
  quotas.forEach((quota, i) => {
    if (quota * of - sizes[i]! > quotas[best]! * of - sizes[best]! + 1e-9) best = i;
  });
  return best;
}

/**
 * k pairs of training and validation indices; by time, each validates on what follows its training.
 *
 * @throws ErmineError as `partition`
 */
export function foldIndices<T>(
  where: string,
  count: number,
  at: (index: number) => T,
  k: number,
  options: SplitOptions<T> = {},
): readonly (readonly [training: Int32Array, validation: Int32Array])[] {
  const pieces = options?.time === undefined ? k : k + 1;
  const equal = new Map(Array.from({ length: pieces }, (_, i) => [`fold ${i}`, 1 / pieces]));
  const parts = partition(where, count, at, equal, options);
  const joined = (chosen: readonly Int32Array[]): Int32Array => Int32Array.from(chosen.flatMap((part) => [...part]));
  if (options?.time === undefined)
    return parts.map((validation) => [joined(parts.filter((part) => part !== validation)).sort(), validation]);
  return parts.slice(1).map((validation, i) => [joined(parts.slice(0, i + 1)), validation]);
}
