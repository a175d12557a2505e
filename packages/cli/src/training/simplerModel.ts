/**
 * Whether networks are better than the linear models that they began from, by rows that they were not trained on. On some tables, small ones above all, linear models are as good as it
 * gets, and what a network adds is noise.
 */
import type { Backend } from "@ermine/core";
import type { Features } from "@ermine/preprocessing";
import { LinearMembers, LinearPart } from "../network/linearPart.js";
import type { TabularNetwork } from "../network/tabularNetwork.js";
import type { MemberRows } from "./memberRows.js";
import { outputsOf } from "./outputs.js";

/** The rows that a training holds out, and what is true of them. */
interface HeldOut {
  readonly inputs: readonly Features[];
  /** Values, or the indices of classes. */
  readonly target: ArrayLike<number>;
  readonly rows: MemberRows;
  readonly isClasses: boolean;
}

/**
 * Keeps the simpler of two models within one standard error (Breiman et al. 1984): members stay as they are where, on rows that they were not trained on, their loss is below that of
 * the linear models from which they began by more than the standard error of the difference, and of classes no more are wrong. Else each becomes the linear model of all rows. Training was ended by
 * the same rows, which makes networks look a little better than they are.
 *
 * @param linear a linear model for each member, and a last one of all rows
 * @returns is the linear model kept?
 */
export async function keepSimpler(
  network: TabularNetwork,
  linear: LinearPart,
  { inputs, target, rows, isClasses }: HeldOut,
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
  const isBetter = isClasses
    ? isBeyondError(crossEntropies(simple, truth, shape.outputs), crossEntropies(whole, truth, shape.outputs)) &&
      mistakes(whole, truth, shape.outputs) <= mistakes(simple, truth, shape.outputs)
    : isBeyondError(squaredErrors(simple, truth), squaredErrors(whole, truth));
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

/** Are the second losses lower in the mean, by more than the standard error of the difference? */
function isBeyondError(first: Float64Array, second: Float64Array): boolean {
  const count = first.length;
  const gains = first.map((loss, i) => loss - second[i]!);
  const mean = gains.reduce((a, b) => a + b, 0) / count;
  const variance = gains.reduce((sum, gain) => sum + (gain - mean) * (gain - mean), 0) / Math.max(1, count - 1);
  return mean > Math.sqrt(variance / count);
}

/** Of each row −log of the true class's probability. */
const crossEntropies = (logits: Float64Array, truth: Float64Array, classes: number): Float64Array =>
  truth.map((label, row) => {
    const own = logits.subarray(row * classes, (row + 1) * classes);
    const most = own.reduce((a, b) => Math.max(a, b));
    return most + Math.log(own.reduce((sum, value) => sum + Math.exp(value - most), 0)) - own[label]!;
  });

const squaredErrors = (values: Float64Array, truth: Float64Array): Float64Array =>
  values.map((value, i) => (value - truth[i]!) * (value - truth[i]!));

/** How many rows have a logit of another class that is as large as the true one's. */
function mistakes(logits: Float64Array, truth: Float64Array, classes: number): number {
  let count = 0;
  truth.forEach((label, row) => {
    const own = logits.subarray(row * classes, (row + 1) * classes);
    if (own.some((value, k) => k !== label && value >= own[label]!)) count++;
  });
  return count;
}
