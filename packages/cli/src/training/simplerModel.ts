/**
 * Whether networks are better than the linear models that they began from, by rows that they were not trained on. On some tables, small ones above all, linear models are as good as it
 * gets, and what a network adds is noise.
 */
import type { Backend } from "@ermine/core";
import type { Features } from "@ermine/preprocessing";
import { LinearMembers, LinearPart } from "../network/linearPart.js";
import type { TabularNetwork } from "../network/tabularNetwork.js";
import type { Task } from "../table/roles.js";
import type { MemberRows } from "./memberRows.js";
import { outputsOf } from "./outputs.js";

/** The rows that a training holds out, and what is true of them. */
interface HeldOut {
  readonly inputs: readonly Features[];
  /** Values, or the indices of classes. */
  readonly target: ArrayLike<number>;
  readonly rows: MemberRows;
  readonly task: Task;
}

/**
 * Keeps the simpler of two models within one standard error (Breiman et al. 1984): members stay as they are where, on rows that they were not trained on, they are better than
 * the linear models from which they began by more than the standard error of the difference, in the loss and in the score that the task is judged by. Else each becomes the linear model of all rows. Training was ended by the same rows, which makes networks look a little better than they are.
 *
 * @param linear a linear model for each member, and a last one of all rows
 * @returns is the linear model kept?
 */
export async function keepSimpler(
  network: TabularNetwork,
  linear: LinearPart,
  { inputs, target, rows, task }: HeldOut,
  backend: Backend,
): Promise<boolean> {
  const { members, shape } = network;
  const held = heldOut(rows, target.length);
  const chosen = inputs.map((features) => selected(features, held));
  const truth = Float64Array.from(held, (row) => target[row]!);
  const began = new LinearPart(members, shape);
  began.load(linear, [...Array(members).keys()]);
  const [simple, whole] = [
    memberMeans(await outputsOf(new LinearMembers(began), chosen, backend), held, rows, shape.outputs),
    memberMeans(await outputsOf(network, chosen, backend), held, rows, shape.outputs),
  ];
  const [losses, judged] = [task === "regression" ? squaredErrors : crossEntropies, judgements[task]];
  const gainsOf = (measure: Measure): readonly Float64Array[] => {
    const [before, after] = [measure(simple, truth, shape.outputs), measure(whole, truth, shape.outputs)];
    return before.map((values, group) => values.map((value, i) => value - after[group]![i]!));
  };
  const isBetter = isBeyond(gainsOf(losses), errorsOfLoss) && isBeyond(gainsOf(judged), errorsOfScore);
  if (isBetter) return false;
  const ofAll = Array.from({ length: members }, () => members);
  network.linear.load(linear, ofAll);
  for (const parameter of network.output.parameters()) parameter.write(new Float32Array(parameter.value.size as number));
  return true;
}

/** The rows that some member was not trained on. */
function heldOut({ validation, members }: MemberRows, count: number): Int32Array {
  const held: number[] = [];
  for (let row = 0; row < count; row++)
    if (validation.subarray(row * members, (row + 1) * members).some((weight) => weight > 0)) held.push(row);
  return Int32Array.from(held);
}

function selected({ data, shape: [, width], dtype }: Features, rows: Int32Array): Features {
  const picked = dtype === "int32" ? new Int32Array(rows.length * width) : new Float32Array(rows.length * width);
  rows.forEach((row, i) => picked.set(data.subarray(row * width, (row + 1) * width), i * width));
  return { data: picked, shape: [rows.length, width], dtype };
}

/** Of each row the mean of what the members say that were not trained on it: (rows, outputs) of (rows, members, outputs). */
function memberMeans(
  outputs: ArrayLike<number>,
  rows: Int32Array,
  { validation: weights, members }: MemberRows,
  width: number,
): Float64Array {
  const means = new Float64Array(rows.length * width);
  rows.forEach((row, i) => {
    let total = 0;
    for (let member = 0; member < members; member++) {
      const weight = weights[row * members + member]!;
      total += weight;
      for (let k = 0; k < width; k++) means[i * width + k]! += weight * outputs[(i * members + member) * width + k]!;
    }
    for (let k = 0; k < width; k++) means[i * width + k]! /= total;
  });
  return means;
}

/**
 * By the loss of the same rows the best of the epochs was taken, so that it looks better than it is: three standard errors are one chance of 700, and of the best of 35 epochs one of 20
 * (Bonferroni's bound).
 */
const errorsOfLoss = 3;
const errorsOfScore = 1;

/**
 * Is the mean gain above so many standard errors? Where a score is a mean over two groups at once, as the AUC is, each has its part of the variance.
 *
 * @param gains of each group; their means are the same
 */
function isBeyond(gains: readonly Float64Array[], errors: number): boolean {
  const meanOf = (values: Float64Array): number => values.reduce((a, b) => a + b, 0) / values.length;
  const variance = gains.reduce((sum, group) => {
    const mean = meanOf(group);
    const squares = group.reduce((total, gain) => total + (gain - mean) * (gain - mean), 0);
    return sum + squares / Math.max(1, group.length - 1) / group.length;
  }, 0);
  // One row more is one standard error, but for rounding.
  return meanOf(gains[0]!) > errors * Math.sqrt(variance) * (1 + 1e-9);
}

/** What a row costs, lower is better: of one group of rows, or of two. @param outputs row by row: values, or logits of each class */
type Measure = (outputs: Float64Array, truth: Float64Array, width: number) => readonly Float64Array[];

/** −log of the true class's probability. */
const crossEntropies: Measure = (logits, truth, classes) => [
  truth.map((label, row) => {
    const ofRow = logits.subarray(row * classes, (row + 1) * classes);
    const most = ofRow.reduce((a, b) => Math.max(a, b));
    return most + Math.log(ofRow.reduce((sum, value) => sum + Math.exp(value - most), 0)) - ofRow[label]!;
  }),
];

const squaredErrors: Measure = (values, truth) => [truth.map((value, i) => (values[i]! - value) * (values[i]! - value))];

/** 1 where another class has a logit that is as large as the true one's. */
const mistakes: Measure = (logits, truth, classes) => [
  truth.map((label, row) => {
    const ofRow = logits.subarray(row * classes, (row + 1) * classes);
    return ofRow.some((value, k) => k !== label && value >= ofRow[label]!) ? 1 : 0;
  }),
];

/**
 * Of each row of either class the share of the other class's rows that stand on its wrong side, of those that stand equal the half: the mean over the rows of a class is 1 − AUC, and of these values its
 * variance is made (DeLong et al. 1988).
 */
export const misplacements: Measure = (logits, truth) => {
  const scores = truth.map((_, row) => logits[2 * row + 1]! - logits[2 * row]!);
  const [negative, positive] = [0, 1].map((label) => scores.filter((_, row) => truth[row] === label)) as [
    Float64Array,
    Float64Array,
  ];
  const [below, above] = [negative.toSorted(), positive.toSorted()];
  return [positive.map((score) => 1 - shareBelow(below, score)), negative.map((score) => shareBelow(above, score))];
};

/** The share of ascending values that are below one; those that are equal count half. */
function shareBelow(ascending: Float64Array, value: number): number {
  const first = (isPast: (other: number) => boolean): number => {
    let [low, high] = [0, ascending.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (isPast(ascending[middle]!)) high = middle;
      else low = middle + 1;
    }
    return low;
  };
  return (first((other) => other >= value) + first((other) => other > value)) / 2 / Math.max(1, ascending.length);
}

/** What rows cost in the score that a task is judged by. */
const judgements: Readonly<Record<Task, Measure>> = { regression: squaredErrors, binary: misplacements, classes: mistakes };
