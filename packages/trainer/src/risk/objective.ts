/** What is minimized: Σ value / Σ normalizer of a batch's elements, whatever the loss. */
import {
  cast,
  elementCount,
  ErmineError,
  full,
  leaves,
  mul,
  sum,
  Tensor,
  type Elements,
  type Loss,
  type Shape,
  type Tree,
} from "@ermine/core";
import type { Module } from "@ermine/core/nn";

/** A batch as the model and the loss see it. */
export interface Batch {
  readonly inputs: Tree<Tensor>;
  readonly targets: Tree<Tensor> | undefined;
  readonly sampleWeights: Tensor | undefined;
}

/** A loss of one's own: from the model's outputs and the batch to a value for each sample, or a mean of the batch (a scalar). */
export type CustomLoss = (outputs: Tensor, batch: Batch) => Tensor;

/** A loss of core's, whatever its inputs, options and reductions. */
export interface DefinedLoss extends Pick<Loss, "lossName" | "link" | "inputs" | "defaults"> {
  elements(inputs: readonly Tensor[], options?: { sampleWeight?: Tensor }): Elements;
}

export type AnyLoss = DefinedLoss | CustomLoss;

export const isLoss = (loss: AnyLoss): loss is DefinedLoss => "lossName" in loss;

/** Σ value and Σ normalizer of a batch, float32 scalars. */
export interface Sums {
  readonly value: Tensor;
  readonly normalizer: Tensor;
}

const outputShapes = new WeakMap<Module, Shape>();

/** The shape of what the model gave last; symbolic where that was in a trace. */
export const outputShapeOf = (model: Module): Shape | undefined => outputShapes.get(model);

/** Runs the model: a tuple of inputs are its arguments. */
export function forward(model: Module, inputs: Tree<Tensor>): Tensor {
  const call = model.forward as (...args: unknown[]) => unknown;
  const output = Array.isArray(inputs) ? call(...inputs) : call(inputs);
  if (output instanceof Tensor) {
    outputShapes.set(model, output.shape);
    return output;
  }
  throw new ErmineError("ERMINE_USAGE", `The model's forward gives ${typeof output}; a trainer needs one tensor.`);
}

export function lossSums(loss: AnyLoss, outputs: Tensor, batch: Batch): Sums {
  const made = elementsOf(loss, outputs, batch);
  if (made.normalizer !== undefined) return { value: sum(made.value), normalizer: sum(made.normalizer) };
  const count = elementCount(made.value);
  return { value: sum(made.value), normalizer: count instanceof Tensor ? cast(count, "float32") : full([], count) };
}

function elementsOf(loss: AnyLoss, outputs: Tensor, batch: Batch): Elements {
  if (!isLoss(loss)) {
    const value = loss(outputs, batch);
    if (!(value instanceof Tensor))
      throw new ErmineError("ERMINE_USAGE", "The loss function must return a tensor: a value for each sample, or their mean.");
    if (value.rank > 0) return { value };
    // A mean already: it counts for as many samples as it is of.
    const samples = elementCount(leaves(batch.inputs)[0] as Tensor, 0);
    const n = samples instanceof Tensor ? samples : full([], samples);
    return { value: mul(value, n), normalizer: n };
  }
  if (batch.targets === undefined)
    throw new ErmineError("ERMINE_DATA", `${loss.lossName} needs targets, and the data set has none.`);
  const targets = leaves(batch.targets) as Tensor[];
  const expected = loss.inputs.length - 1;
  if (targets.length !== expected) {
    throw new ErmineError(
      "ERMINE_DATA",
      `${loss.lossName} takes ${expected} target${expected === 1 ? "" : "s"} (${loss.inputs
        .slice(1)
        .map((input) => input.name)
        .join(", ")}), the data set has ${targets.length}.`,
    );
  }
  const options = batch.sampleWeights === undefined ? {} : { sampleWeight: batch.sampleWeights };
  return loss.elements([outputs, ...targets], options);
}
