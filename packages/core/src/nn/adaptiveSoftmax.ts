/** The softmax of very many classes, of which few are frequent. */
import { ErmineError } from "../types/errors.js";
import { checkArguments } from "../types/arguments.js";
import { checkOptions, show } from "../types/options.js";
import { logSoftmax } from "../activations/logSoftmax.js";
import { valuesToCheck } from "../dispatch/valuesToCheck.js";
import { checkClassIndices } from "../losses/classes.js";
import { invalidClassToNaN, invalidClassToZero } from "../losses/invalidClasses.js";
import { add, sub } from "../ops/arithmetic.js";
import { concat } from "../ops/concat.js";
import { greaterEqual, less, logicalAnd } from "../ops/comparison.js";
import { gather } from "../ops/gather.js";
import { argMax } from "../ops/reduction.js";
import { expandDims, reshape, squeeze } from "../ops/shape.js";
import { sliceAxis } from "../ops/slice.js";
import { mean } from "../ops/statistics.js";
import { neg } from "../ops/unary.js";
import { where } from "../ops/where.js";
import { formatShape, sameShape } from "../types/dim.js";
import { checkTensor, type Tensor } from "../types/tensor.js";
import { ModuleList } from "./containers.js";
import { floatInput } from "./input.js";
import { Linear } from "./linear.js";
import { Module } from "./module.js";
import { Sequential } from "./sequential.js";
import { checkSize } from "./size.js";

/** The options of `AdaptiveLogSoftmaxWithLoss`. */
export interface AdaptiveLogSoftmaxOptions {
  /** A cluster's projection has inFeatures / divValue^i features, i = 1 for the first. Default 4. */
  readonly divValue?: number;
  /** Add a bias to the head. Default false. */
  readonly headBias?: boolean;
}

/** The result of `AdaptiveLogSoftmaxWithLoss`. */
export interface AdaptiveLogSoftmaxResult {
  /** The log probability of each target: (N), or a scalar of one sample. */
  readonly output: Tensor<"real">;
  /** The mean of −output. */
  readonly loss: Tensor<"real">;
}

/** Classes from `start` to before `end`, which a cluster has. */
interface Cluster {
  readonly start: number;
  readonly end: number;
  readonly tail: Sequential;
}

/**
 * A softmax over nClasses, sorted by how frequent they are, the most frequent first: those before the first cutoff have a logit each in the head, next to one for every cluster of the others, and a
 * cluster's classes share its probability by a softmax of their own, over fewer features. Source: Grave et al. 2017.
 *
 * forward(x, target) of x (N, inFeatures) and int32 classes (N), or of one sample (inFeatures) and a scalar. Every cluster is computed for every sample.
 *
 * @param cutoffs where clusters begin: whole numbers in 1 … nClasses − 1, each larger than the one before
 * @throws ErmineError ERMINE_OPTION for other cutoffs; forward: ERMINE_SHAPE, ERMINE_VALUE for a class out of range that is on the host, elsewhere the output is NaN there
 * @example
 * const softmax = new AdaptiveLogSoftmaxWithLoss(16, 20, [4, 10]);
 * softmax.forward(zeros([2, 16]), tensor([0, 19], { dtype: "int32" })).output; // => [-1.7918, -4.0943]
 * softmax.logProb(zeros([2, 16])).shape; // => [2, 20]
 */
export class AdaptiveLogSoftmaxWithLoss extends Module {
  /** The last axis of the input. */
  readonly inFeatures: number;
  /** How many classes there are. */
  readonly nClasses: number;
  /** Where clusters begin, and nClasses. */
  readonly cutoffs: readonly number[];
  /** By what the features of clusters are divided. */
  readonly divValue: number;
  /** inFeatures → the first classes and the clusters. */
  readonly head: Linear;
  /** A projection and a linear layer for each cluster. */
  readonly tail: ModuleList<Sequential>;

  constructor(inFeatures: number, nClasses: number, cutoffs: readonly number[], options: AdaptiveLogSoftmaxOptions = {}) {
    checkArguments("AdaptiveLogSoftmaxWithLoss", arguments, 4);
    super();
    const kinds = { divValue: "number", headBias: "boolean" } as const;
    checkOptions("AdaptiveLogSoftmaxWithLoss", options, kinds, [inFeatures, nClasses, cutoffs]);
    const { divValue = 4, headBias = false } = options;
    checkSize("AdaptiveLogSoftmaxWithLoss", "inFeatures", inFeatures);
    checkSize("AdaptiveLogSoftmaxWithLoss", "nClasses", nClasses);
    checkCutoffs(cutoffs, nClasses);
    if (!(divValue > 0 && divValue < Infinity))
      throw new ErmineError("ERMINE_OPTION", `AdaptiveLogSoftmaxWithLoss: divValue must be above 0, got ${divValue}.`);
    const [first = nClasses, ...others] = [...cutoffs, nClasses];
    const features = others.map((_, i) => Math.floor(inFeatures / divValue ** (i + 1)));
    const none = features.findIndex((count) => count < 1);
    if (none >= 0)
      throw new ErmineError(
        "ERMINE_OPTION",
        `AdaptiveLogSoftmaxWithLoss: cluster ${none + 1} would have ${features[none]} features, ${inFeatures} / ${divValue}^${none + 1}. Take a smaller divValue or fewer cutoffs.`,
      );
    this.inFeatures = inFeatures;
    this.nClasses = nClasses;
    this.cutoffs = [first, ...others];
    this.divValue = divValue;
    this.head = new Linear(inFeatures, first + others.length, { bias: headBias });
    this.tail = new ModuleList(
      others.map((end, i) => {
        const start = this.cutoffs[i]!;
        return new Sequential(
          new Linear(inFeatures, features[i]!, { bias: false }),
          new Linear(features[i]!, end - start, { bias: false }),
        );
      }),
    );
  }

  get #clusters(): readonly Cluster[] {
    return [...this.tail].map((tail, i) => ({ start: this.cutoffs[i]!, end: this.cutoffs[i + 1]!, tail }));
  }

  forward(input: Tensor, target: Tensor): AdaptiveLogSoftmaxResult {
    checkTensor("forward", input);
    checkTensor("forward", target);
    const x = floatInput(input);
    this.#checkInput(x);
    if (!sameShape(target.shape, x.shape.slice(0, -1)) || target.dtype !== "int32")
      throw new ErmineError(
        target.dtype === "int32" ? "ERMINE_SHAPE" : "ERMINE_DTYPE",
        `targets are int32 class indices ${formatShape(x.shape.slice(0, -1))}, got ${target.dtype}${formatShape(target.shape)}.`,
      );
    const values = valuesToCheck(target);
    if (values !== undefined) checkClassIndices("AdaptiveLogSoftmaxWithLoss", values, this.nClasses, null);
    if (x.rank === 2) return this.#run(x, target);
    const { output, loss } = this.#run(expandDims(x, 0), reshape(target, [1]));
    return { output: reshape(output, []) as Tensor<"real">, loss };
  }

  #run(x: Tensor, target: Tensor): AdaptiveLogSoftmaxResult {
    const [first] = this.cutoffs as [number];
    const classes = invalidClassToZero(target, this.nClasses);
    const head = logSoftmax(this.head.forward(x), { axis: 1 });
    let inHead = where(less(classes, first), classes, 0);
    let output: Tensor | undefined;
    this.#clusters.forEach(({ start, end, tail }, i) => {
      const isInside = logicalAnd(greaterEqual(classes, start), less(classes, end));
      const within = where(isInside, sub(classes, start), 0);
      const likelihood = at(logSoftmax(tail.forward(x), { axis: 1 }), within);
      output = output === undefined ? where(isInside, likelihood, 0) : where(isInside, likelihood, output);
      inHead = where(isInside, first + i, inHead);
    });
    const all = add(at(head, inHead), output!);
    const checked = invalidClassToNaN(all, target, this.nClasses, null) as Tensor<"real">;
    return { output: checked, loss: mean(neg(checked)) };
  }

  /** The log probability of every class: (N, inFeatures) → (N, nClasses). */
  logProb(input: Tensor): Tensor<"real"> {
    if (arguments.length > 1) checkArguments("logProb", arguments, 1);
    checkTensor("logProb", input);
    const x = floatInput(input);
    this.#checkInput(x);
    if (x.rank === 1) return squeeze(this.logProb(expandDims(x, 0)), 0);
    const [first] = this.cutoffs as [number];
    const head = logSoftmax(this.head.forward(x), { axis: 1 });
    const clusters = this.#clusters.map(({ tail }, i) =>
      add(logSoftmax(tail.forward(x), { axis: 1 }), sliceAxis(head, 1, first + i, 1)),
    );
    return concat([sliceAxis(head, 1, 0, first), ...clusters], 1) as Tensor<"real">;
  }

  /** The most probable class of each sample: (N, inFeatures) → (N), int32. */
  predict(input: Tensor): Tensor<"real"> {
    if (arguments.length > 1) checkArguments("predict", arguments, 1);
    checkTensor("predict", input);
    return argMax(this.logProb(input), { axis: -1 });
  }

  #checkInput(x: Tensor): void {
    if ((x.rank === 1 || x.rank === 2) && x.shape.at(-1) === this.inFeatures) return;
    throw new ErmineError(
      "ERMINE_SHAPE",
      `expects (N, ${this.inFeatures}) or (${this.inFeatures}), got ${formatShape(x.shape)}.`,
    );
  }

  override describe(): string {
    return `AdaptiveLogSoftmaxWithLoss ${this.inFeatures} → ${this.nClasses}`;
  }
}

/** The element of each row that an index names: (N, K), (N) → (N). */
const at = (rows: Tensor, indices: Tensor): Tensor => squeeze(gather(rows, 1, expandDims(indices, 1)), 1);

function checkCutoffs(cutoffs: readonly number[], nClasses: number): void {
  const isList = Array.isArray(cutoffs) && cutoffs.length > 0;
  const fits =
    isList && cutoffs.every((cutoff, i) => Number.isInteger(cutoff) && cutoff > (cutoffs[i - 1] ?? 0) && cutoff < nClasses);
  if (fits) return;
  throw new ErmineError(
    "ERMINE_OPTION",
    `AdaptiveLogSoftmaxWithLoss: cutoffs are whole numbers from 1 to ${nClasses - 1}, each larger than the one before, got ${show(cutoffs)}.`,
  );
}
