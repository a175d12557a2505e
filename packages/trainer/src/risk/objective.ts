/** The objective: Σ value / Σ normalizer over a batch's elements for any loss; a sum of losses has several terms of this form. */
import {
  cast,
  elementCount,
  ErmineError,
  full,
  leaves,
  mapTree,
  mul,
  sum,
  Tensor,
  withoutRankPromotion,
  type Loss,
  type Shape,
  type Tree,
} from "@ermine/core";
import { type Elements, checkCopy, checkValueShape, show } from "@ermine/core/define";
import type { Module } from "@ermine/core/nn";

/** A batch as the model and the loss see it. */
export interface BatchTensors {
  /** The batch's inputs, in the tree of the data set. */
  readonly inputs: Tree<Tensor>;
  /** The batch's targets, in the tree of the data set. */
  readonly targets: Tree<Tensor> | undefined;
  /** Weight of each sample; undefined: 1 each. */
  readonly sampleWeights: Tensor | undefined;
}

// `any`: a model gives a tensor, a tuple or an object of them, and only its author knows which.
type Outputs = any;

/** One part of a sum, as a function of one's own: a value for each sample, or a mean of the batch (a scalar). */
export type CustomPart = (outputs: Outputs, batch: BatchTensors) => Tensor;

/**
 * A loss of one's own: from the model's outputs and the batch to a value for each sample, or a mean of the batch (a scalar); or several of these by
 * name, which are added up and logged each. A batch of several outputs comes as the model gives it.
 */
export type CustomLoss = (outputs: Outputs, batch: BatchTensors) => Tensor | Readonly<Record<string, Tensor>>;

/** A loss of core's, whatever its inputs, options and reductions. */
export interface DefinedLoss extends Pick<Loss, "lossName" | "linkOf" | "valueRules" | "inputs" | "defaults"> {
  /** The value of each element and what it counts for, before the reduction. */
  elements(inputs: readonly Tensor[], options?: { sampleWeight?: Tensor }): Elements;
}

/** One loss of several. */
export interface LossPart<Name extends string = string> {
  /** Its name in logs. Default: the loss's. */
  readonly name: Name;
  /** A loss of core's or your own definition, or a function of the outputs and the batch. */
  readonly loss: DefinedLoss | CustomPart;
  /** Weight of the part in the sum. Default 1. */
  readonly weight?: number;
  /** Key or index of the model output that it reads. Default: all outputs. */
  readonly output?: string | number;
  /** Key or index of the target that it reads. Default: all targets. */
  readonly target?: string | number;
}

/**
 * A loss of several parts, each with a weight. `weightedSum` makes it.
 *
 * @see weightedSum
 */
export interface WeightedSum<Name extends string = string> {
  /** The parts, each with its weight. */
  readonly parts: readonly (LossPart<Name> & { readonly weight: number })[];
}

/** `T` are the names of its parts, where it has several. */
export type AnyLoss<T extends string = string> = DefinedLoss | CustomLoss | WeightedSum<T>;

export const isLoss = (loss: AnyLoss): loss is DefinedLoss => "lossName" in loss;
export const isSum = (loss: AnyLoss): loss is WeightedSum => "parts" in loss;

/** Σ value and Σ normalizer of a batch, float32 scalars. */
export interface Sums {
  readonly value: Tensor;
  readonly normalizer: Tensor;
}

/** A part of the objective. */
export interface Term extends Sums {
  /** undefined: it is the whole loss. */
  readonly name: string | undefined;
  readonly weight: number;
}

/** A part's name and what it counts for. */
export type Part = Pick<Term, "name" | "weight">;

const parts = new WeakMap<AnyLoss, readonly Part[]>();

const singlePart: readonly Part[] = [{ name: undefined, weight: 1 }];

/** The parts of a loss; those of a function of one's own are known when it was called, and [] before. */
export const partsOf = (loss: AnyLoss): readonly Part[] =>
  isSum(loss) ? loss.parts : isLoss(loss) ? singlePart : (parts.get(loss) ?? []);

const outputShapes = new WeakMap<Module, Tree<Shape>>();

/** The shapes of what the model gave last; symbolic where that was in a trace. */
export const outputShapesOf = (model: Module): Tree<Shape> | undefined => outputShapes.get(model);

/** Runs the model: a tuple of inputs are its arguments. */
export function forward(model: Module, inputs: Tree<Tensor>): Tree<Tensor> {
  const call = model.forward as (...args: unknown[]) => unknown;
  const output = Array.isArray(inputs) ? call(...inputs) : call(inputs);
  const needs = "a trainer needs a tensor, or a tuple or an object of tensors";
  if (leaves(output).length === 0) throw new ErmineError("ERMINE_USAGE", `The model's forward gives ${show(output)}; ${needs}.`);
  const shapes = mapTree(output as Tree<Tensor>, (leaf: unknown, path): Shape => {
    checkCopy("Trainer: the model's output", leaf);
    if (leaf instanceof Tensor) return leaf.shape;
    throw new ErmineError(
      "ERMINE_USAGE",
      `The model's forward gives ${show(leaf)}${path === "" ? "" : ` as "${path}"`}; ${needs}.`,
    );
  });
  outputShapes.set(model, shapes);
  return output as Tree<Tensor>;
}

/** A part of the loss, and which of the model's outputs and of the targets it reads. */
export interface PartReading {
  readonly name: string;
  readonly loss: DefinedLoss | CustomLoss;
  readonly output: string | number | undefined;
  readonly target: string | number | undefined;
}

/**
 * The part of the loss that says what an output is: the main one (the first), or the first that reads that output. A loss by itself reads all outputs alike.
 *
 * @throws ErmineError ERMINE_OPTION where no part of a sum reads that output
 */
export function partReading(loss: AnyLoss, output?: string | number): PartReading {
  if (!isSum(loss)) return { name: "", loss, output, target: undefined };
  const part = output === undefined ? loss.parts[0]! : loss.parts.find((part) => part.output === output);
  if (part !== undefined) return { name: part.name, loss: part.loss, output: part.output, target: part.target };
  const outputs = loss.parts.map((one) => JSON.stringify(one.output)).join(", ");
  throw new ErmineError(
    "ERMINE_OPTION",
    `No part of the loss reads the output ${JSON.stringify(output)}, so nothing says how it becomes probabilities. The parts read: ${outputs}. Use { as: "output" }.`,
  );
}

/** Output that a part of the loss reads; the first of several. */
export const outputOf = ({ name, output }: PartReading, outputs: Tree<Tensor>): Tensor =>
  leaves(pick("output", name, outputs, output))[0] as Tensor;

/** Output that metrics and predictions read: that of the main part, or the first of several. */
export const mainOutput = (loss: AnyLoss, outputs: Tree<Tensor>): Tensor => outputOf(partReading(loss), outputs);

/** @throws ErmineError ERMINE_USAGE where there is none with that key */
export function pick<T>(kind: string, part: string, tree: Tree<T>, key: string | number | undefined): Tree<T> {
  if (key === undefined) return tree;
  const selected = (tree as Readonly<Record<string, Tree<T> | undefined>>)[key];
  if (selected !== undefined && leaves(tree).length > 0 && !(tree instanceof Tensor)) return selected;
  const available = Array.isArray(tree)
    ? `0 to ${tree.length - 1}`
    : tree instanceof Tensor
      ? "a tensor"
      : Object.keys(tree as object).join(", ");
  throw new ErmineError(
    "ERMINE_USAGE",
    `${part === "predict" ? "predict" : `The loss "${part}"`} reads the ${kind} ${JSON.stringify(key)}, and there are: ${available}.`,
  );
}

/** The objective's parts, Σ value and Σ normalizer each. */
export function termsOf(loss: AnyLoss, outputs: Tree<Tensor>, batch: BatchTensors): Term[] {
  if (isSum(loss)) {
    return loss.parts.map(({ name, loss: partLoss, weight, output, target }) => {
      const targets = batch.targets === undefined ? undefined : pick("target", name, batch.targets, target);
      const reading = { outputs: pick("output", name, outputs, output), batch: { ...batch, targets } };
      const elements = isLoss(partLoss)
        ? elementsOfLoss(partLoss, reading.outputs, reading.batch)
        : elementsOfResult(callUserLoss(partLoss, reading.outputs, reading.batch), reading.outputs, reading.batch);
      return { name, weight, ...sumsOf(elements) };
    });
  }
  if (isLoss(loss)) return [{ name: undefined, weight: 1, ...sumsOf(elementsOfLoss(loss, outputs, batch)) }];
  const value: unknown = callUserLoss(loss, outputs, batch);
  checkCopy("The loss function", value);
  const valuesByName = isNamed(value) ? Object.entries(value) : [[undefined, value] as const];
  const terms = valuesByName.map(([name, value]) => ({ name, weight: 1, ...sumsOf(elementsOfResult(value, outputs, batch)) }));
  parts.set(
    loss,
    terms.map(({ name, weight }) => ({ name, weight })),
  );
  return terms;
}

/** Result of a custom loss. @throws ErmineError ERMINE_SHAPE if broadcasting compares each sample with every other */
const callUserLoss = <T>(loss: (outputs: Outputs, batch: BatchTensors) => T, outputs: Tree<Tensor>, batch: BatchTensors): T =>
  withoutRankPromotion("The loss function", leaves([outputs, batch.inputs, batch.targets ?? []]) as Tensor[], () =>
    loss(outputs, batch),
  );

const isNamed = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !(value instanceof Tensor) && Object.keys(value).length > 0;

function sumsOf({ value, normalizer }: Elements): Sums {
  if (normalizer !== undefined) return { value: sum(value), normalizer: sum(normalizer) };
  const count = elementCount(value);
  return { value: sum(value), normalizer: count instanceof Tensor ? cast(count, "float32") : full([], count) };
}

/** Elements of a custom loss's result. @throws ErmineError ERMINE_USAGE if it is not a tensor, ERMINE_SHAPE if it has too many elements */
function elementsOfResult(value: unknown, outputs: Tree<Tensor>, batch: BatchTensors): Elements {
  checkCopy("The loss function", value);
  if (!(value instanceof Tensor)) {
    throw new ErmineError(
      "ERMINE_USAGE",
      "The loss function must return a tensor, a value for each sample or their mean; or several of these by name.",
    );
  }
  if (value.rank > 0) {
    checkValueShape("The loss function", value, [...leaves(outputs), ...leaves(batch.targets)] as Tensor[]);
    return { value };
  }
  // A mean already: it counts for as many samples as it is of.
  const samples = elementCount(leaves(batch.inputs)[0] as Tensor, 0);
  const n = samples instanceof Tensor ? samples : full([], samples);
  return { value: mul(value, n), normalizer: n };
}

/** In the loss's order: predictions are the model's outputs, as far as these go, and all else is the data set's. */
export function inputsOf<T>(loss: DefinedLoss, predictions: readonly T[], targets: readonly T[]): T[] {
  const [outputs, remainingTargets] = [[...predictions], [...targets]];
  return loss.inputs.map(({ role }) =>
    role === "prediction" && outputs.length > 0 ? outputs.shift()! : remainingTargets.shift()!,
  );
}

function elementsOfLoss(loss: DefinedLoss, outputs: Tree<Tensor>, batch: BatchTensors): Elements {
  const predictions = leaves(outputs) as Tensor[];
  const targets = leaves(batch.targets) as Tensor[];
  const expected = loss.inputs.length - predictions.length;
  if (batch.targets === undefined && expected > 0)
    throw new ErmineError("ERMINE_DATA", `${loss.lossName} needs targets, and the data set has none.`);
  if (targets.length !== expected || expected < 0) {
    throw new ErmineError(
      "ERMINE_DATA",
      `${loss.lossName} takes ${loss.inputs.map((input) => input.name).join(", ")}: ${predictions.length} of them from the model, ` +
        `and ${expected} target${expected === 1 ? "" : "s"}; the data set has ${targets.length}.`,
    );
  }
  const inputs = inputsOf(loss, predictions, targets);
  return loss.elements(inputs, batch.sampleWeights === undefined ? {} : { sampleWeight: batch.sampleWeights });
}
