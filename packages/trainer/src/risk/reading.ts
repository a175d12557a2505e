/** Probabilities and classes of a model's output: the loss's link and the decision threshold. */
import { ErmineError, exp, sigmoid, softmax, type Link, type Tensor, type TypedArray } from "@ermine/core";
import { type TensorType, allocate } from "@ermine/core/backend";
import { withDomain } from "@ermine/core/define";
import { targetOfPart } from "../data/targets.js";
import type { Batch, BatchColumn } from "../data/source.js";
import { argMaxAt } from "../metrics/accuracy.js";
import type { HostBatch } from "../metrics/metric.js";
import { isLoss, partReading, type AnyLoss, type PartReading } from "./objective.js";

/** The output behind the link: probabilities where the loss is on logits. Class axis 1 (the only one of a vector). */
export function applyLink(link: Link, output: Tensor): Tensor {
  if (link === "softmax") return softmax(output, { axis: output.rank < 2 ? 0 : 1 });
  if (link === "sigmoid") return sigmoid(output);
  return link === "exp" ? withDomain(exp(output), "probabilities") : output;
}

/** Does the output become probabilities? A loss on probabilities has them already. */
export const isProbabilistic = ({ loss }: PartReading, target: TensorType | undefined): boolean =>
  isLoss(loss) &&
  (loss.linkOf(target) !== "identity" || loss.inputs.find(({ role }) => role === "prediction")?.domain === "probabilities");

/** Batches one after the other. */
export function join(parts: readonly HostBatch[]): HostBatch {
  if (parts.length === 1) return parts[0]!;
  const rows = parts.reduce((total, { shape }) => total + shape[0]!, 0);
  const kind = parts[0]!.data.constructor as new (length: number) => TypedArray;
  const data = new kind(parts.reduce((total, part) => total + part.data.length, 0));
  let at = 0;
  for (const part of parts) {
    data.set(part.data, at);
    at += part.data.length;
  }
  return { ...parts[0]!, data, shape: [rows, ...parts[0]!.shape.slice(1)] };
}

/** Is the class the largest of several probabilities? Otherwise each is compared with a threshold. */
export const isOfClasses = (link: Link): boolean => link === "softmax" || link === "exp";

/** The class of each: the largest probability along axis 1, or 1 from `threshold` on where there is one probability each. None of them is NaN. */
export function classesOf({ data, shape }: HostBatch, link: Link, threshold: number): HostBatch {
  if (!isOfClasses(link)) return { data: Int32Array.from(data, (p) => (p >= threshold ? 1 : 0)), shape };
  const [rows, classes, ...inner] = shape as [number, number, ...number[]];
  const width = inner.reduce((a, b) => a * b, 1);
  const result = new Int32Array(rows * width);
  for (let i = 0; i < result.length; i++) {
    result[i] = argMaxAt(data, Math.floor(i / width) * classes * width + (i % width), classes, width);
  }
  return { data: result, shape: [rows, ...inner] };
}

const onHost = (column: BatchColumn, size: number): TypedArray => {
  const data = allocate(
    column.dtype,
    column.shape.reduce((a, b) => a * b, size),
  );
  column.copyInto(data);
  return data;
};

/** Weight of each sample of the batch, on the host; undefined: 1 each. */
export const weightsOf = ({ size, columns: { sampleWeights } }: Batch): TypedArray | undefined =>
  sampleWeights === undefined ? undefined : onHost(sampleWeights, size);

/** The batch's target on the host, for metrics: the main part's, or the first of several. */
export function targetOf(loss: AnyLoss, { size, columns }: Batch): HostBatch {
  const column = targetOfPart(partReading(loss), columns.targets);
  if (column === undefined) throw new ErmineError("ERMINE_DATA", "Metrics compare with targets, and the data have none.");
  return { data: onHost(column, size), shape: [size, ...column.shape] };
}
