/** Connectionist temporal classification: a sequence without an alignment. */
import { valuesToCheck } from "../dispatch/valuesToCheck.js";
import { logSoftmax } from "../activations/logSoftmax.js";
import { scan } from "../control/scan.js";
import { stopGradient } from "../dispatch/tapes.js";
import { ErmineError } from "../types/errors.js";
import { add, div, maximum, minimum, mul, sub } from "../ops/arithmetic.js";
import { cast } from "../ops/cast.js";
import { greater, greaterEqual, less, logicalAnd, logicalNot, logicalOr, notEqual } from "../ops/comparison.js";
import { iota, iotaOp, zeros } from "../ops/creation.js";
import { apply1 } from "../ops/apply.js";
import { gather, indexSelect } from "../ops/gather.js";
import { cumsum } from "../ops/sort.js";
import { any } from "../ops/reduction.js";
import { mean } from "../ops/statistics.js";
import { concat, stack } from "../ops/concat.js";
import { expandDims, reshape, squeeze } from "../ops/shape.js";
import { sliceAxis } from "../ops/slice.js";
import { exp, log, neg } from "../ops/unary.js";
import { where } from "../ops/where.js";
import { formatShape, type Size } from "../types/dim.js";
import type { Tensor } from "../types/tensor.js";
import { defineLoss } from "./definition.js";
import { nanWhere } from "./invalidClasses.js";
import { wholeWithin, type ValueRule } from "./values.js";

/** The logarithm of 0, finite so that differences of two have gradients. */
const impossible = -1e30;

/** log Σ eˣ of some tensors of one shape. */
function logSum(terms: readonly Tensor[]): Tensor {
  const top = stopGradient(terms.reduce((a, b) => maximum(a, b)));
  return add(top, log(terms.map((t) => exp(sub(t, top))).reduce((a, b) => add(a, b))));
}

/** The columns moved right by `by`, impossible where there were none. */
function moved(alpha: Tensor, by: number): Tensor {
  const columns = alpha.shape[1] as number;
  const first = sliceAxis(alpha, 1, 0, by);
  return concat([add(mul(first, 0), impossible), sliceAxis(alpha, 1, 0, columns - by)], 1);
}

/** −log p(target) for each sample, by the forward algorithm; logP (T, N, C), labels (N, S), lengths (N). */
function alignments(logP: Tensor, labels: Tensor, inputLengths: Tensor, targetLengths: Tensor, blank: number): Tensor {
  const [steps, size] = [logP.shape[0] as number, labels.shape[1] as number];
  const blanks = add(mul(labels, 0), blank);
  // blank, label, blank, label, …, blank
  const pairs = reshape(stack([blanks, labels], 2), [labels.shape[0]!, 2 * size]);
  const path = concat([pairs, sliceAxis(blanks, 1, 0, 1)], 1);
  const columns = 2 * size + 1;
  const before = concat([sliceAxis(path, 1, 0, 2), sliceAxis(path, 1, 0, columns - 2)], 1);
  // Two columns forward: onto a label that is another than the last one.
  const skips = logicalAnd(notEqual(path, blank), notEqual(path, before));
  // A class of probability 0 is as impossible as an alignment.
  const emission = (step: Tensor): Tensor => maximum(gather(step, 1, path), impossible);
  const first = emission(squeeze(sliceAxis(logP, 0, 0, 1), 0));
  const start = concat([sliceAxis(first, 1, 0, 2), add(mul(sliceAxis(first, 1, 0, columns - 2), 0), impossible)], 1);
  // Of each step after the first, the samples that it is one of: (T − 1, N, 1).
  const counts = expandDims(less(expandDims(add(iota(steps - 1), 1), 1), expandDims(inputLengths, 0)), 2);
  const step = (alpha: Tensor, { logP: each, count }: { logP: Tensor; count: Tensor }): [Tensor, undefined] => {
    const jumped = where(skips, moved(alpha, 2), impossible);
    const next = add(logSum([alpha, moved(alpha, 1), jumped]), emission(each));
    return [where(count, next, alpha), undefined];
  };
  const [alpha] = scan(step, start, { logP: sliceAxis(logP, 0, 1, steps - 1), count: counts });
  const last = mul(minimum(maximum(targetLengths, 0), size), 2);
  const at = (column: Tensor): Tensor => squeeze(gather(alpha, 1, expandDims(column, 1)), 1);
  const ending = where(greater(targetLengths, 0), at(maximum(sub(last, 1), 0)), impossible);
  const negLogLikelihood = neg(logSum([at(last), ending]));
  // Of no steps at all there is one alignment: that of no labels.
  return where(greater(inputLengths, 0), negLogLikelihood, where(greater(targetLengths, 0), -impossible, 0));
}

/** Targets one after the other, [Σ length], as rows of that width: entries after a row's end are arbitrary. */
function rowsOf(target: Tensor, targetLengths: Tensor): Tensor {
  const width = target.shape[0] as number;
  const starts = sub(cumsum(targetLengths, 0), targetLengths);
  const places = add(expandDims(starts, 1), expandDims(apply1(iotaOp, [], { size: width }), 0));
  const rows = indexSelect(target, 0, reshape(minimum(places, width - 1), [-1]));
  return reshape(rows, [targetLengths.shape[0]!, width]);
}

/** Of each row of at most `most`. */
const lengthsUpTo = (label: string, most: Size | undefined): ValueRule | undefined =>
  typeof most === "number" ? wholeWithin(label, 0, most) : undefined;

/** true where a length is none: those that are computed are not read on the host. */
const isBeyond = (length: Tensor, most: Size): Tensor => logicalOr(less(length, 0), greater(length, most as number));

/**
 * The labels to look up, 0 after a target's length and where one is none, and the rows that have such a one within their length: those that are
 * computed are not read on the host.
 */
function validLabels(rows: Tensor, lengths: Tensor, classes: number, blank: number): { labels: Tensor; unknown: Tensor } {
  const counts = less(expandDims(apply1(iotaOp, [], { size: rows.shape[1]! }), 0), expandDims(lengths, 1));
  const isLabel = logicalAnd(logicalAnd(greaterEqual(rows, 0), less(rows, classes)), notEqual(rows, blank));
  const labels = where(logicalAnd(counts, isLabel), rows, 0);
  return { labels, unknown: any(logicalAnd(counts, logicalNot(isLabel)), { axis: 1 }) };
}

/** @throws ErmineError ERMINE_VALUE for a label within a target's length that is no class, or the blank, where both are on the host */
function checkLabels(targets: Tensor, lengths: Tensor, joined: boolean, classes: number, blank: number): void {
  const labels = valuesToCheck(targets);
  const counts = valuesToCheck(lengths);
  if (labels === undefined || counts === undefined) return;
  const total = Array.from(counts).reduce((sum, count) => sum + count, 0);
  if (joined && total !== labels.length) {
    throw new ErmineError("ERMINE_VALUE", `ctc: the target lengths add up to ${total}, and there are ${labels.length} targets.`);
  }
  const width = targets.shape.at(-1) as number;
  for (let i = 0; i < labels.length; i++) {
    if (!joined && i % width >= counts[Math.floor(i / width)]!) continue;
    const label = labels[i]!;
    if (label >= 0 && label < classes && label !== blank) continue;
    throw new ErmineError(
      "ERMINE_VALUE",
      `ctc: target ${i} is ${label}, and targets are classes from 0 to ${classes - 1} other than the blank, ${blank}.`,
    );
  }
}

const lengths = (t: Tensor, rank: number): Tensor => (rank === 2 && t.rank === 0 ? reshape(t, [1]) : t);

/** The options of `ctc`, next to those of every loss. */
export interface CtcOptions {
  /** The class that stands for nothing. Default 0. */
  readonly blank: number;
  /** Where no alignment is possible: 0 instead of Infinity. Default false. */
  readonly zeroInfinity: boolean;
}

/**
 * value = −log Σ p(alignment) over the alignments that give the target: repeats merged, blanks left out.
 *
 * The mean divides each value by its target's length (1 at least) and then takes the mean over the batch, as PyTorch's.
 *
 * - formula: −log Σ p(alignment)
 * - derivative: softmax(z) − the posterior of each class at each step
 * - expects: log probabilities (T, N, C)
 * - targets: class indices (N, S), with lengths of both
 * - use: Speech and handwriting, where it is not said which step is which letter.
 * - mean: N, after each value is divided by its target’s length
 * - outliers: Unbounded where the target becomes impossible.
 * - source: Graves 2006
 *
 * @param prediction log probabilities (T, N, C), or (T, C) for one sequence; the gradient is that of the logits before the softmax
 * @param target int32 classes (N, S), one after the other (Σ targetLengths), or (S) for one sequence; entries after a target's length are ignored
 * @param inputLengths int32 (N), at most T
 * @param targetLengths int32 (N), at most S; of concatenated targets they add up to all
 * @throws ErmineError ERMINE_SHAPE where the shapes do not fit, ERMINE_VALUE for lengths and targets on the host that are none; one that is
 * computed makes value and gradient of its sequence NaN
 * @example
 * const steps = logSoftmax(tensor([[[0, 2, 0]], [[0, 0, 2]], [[2, 0, 0]]])); // 3 steps, 1 sequence, 3 classes
 * const int32 = { dtype: "int32" } as const;
 * ctc(steps, tensor([[1, 2]], int32), tensor([3], int32), tensor([2], int32)).item(); // => 0.2789
 */
export const ctc = defineLoss<[Tensor<"logProbabilities">, Tensor, Tensor, Tensor], CtcOptions>({
  name: "ctc",
  link: "exp",
  inputs: [
    {
      name: "prediction",
      dtype: "float32",
      domain: "logProbabilities",
      remedy: "Apply logSoftmax over the last axis; asLogProbabilities(t) marks numbers that are log probabilities already.",
    },
    { name: "target", dtype: "int32" },
    {
      name: "inputLengths",
      role: "auxiliary",
      dtype: "int32",
      values: (_, [prediction]) => lengthsUpTo("input lengths", prediction!.shape[0]),
    },
    {
      name: "targetLengths",
      role: "auxiliary",
      dtype: "int32",
      values: (_, [, target]) => lengthsUpTo("target lengths", target!.shape.at(-1)),
    },
  ],
  options: { blank: 0, zeroInfinity: false },
  kinds: { blank: "integer" },
  optionExamples: { blank: 1, zeroInfinity: true },
  samples: {
    sequences: (n, draw) => ({
      inputs: [draw.logProbabilities([5, n, 4]), draw.integers([n, 2], 2, 3), draw.integers([n], 4, 5), draw.integers([n], 1, 2)],
    }),
    "targets too long": (n, draw) => ({
      inputs: [draw.logProbabilities([2, n, 4]), draw.integers([n, 3], 2, 3), draw.integers([n], 2, 2), draw.integers([n], 3, 3)],
    }),
  },
  elements([prediction, target, inputLengths, targetLengths], { blank, zeroInfinity }) {
    const single = prediction.rank === 2;
    const joined = !single && target.rank === 1;
    const fits = target.rank === prediction.rank - 1 || joined;
    if ((prediction.rank !== 3 && !single) || !fits || typeof prediction.shape[0] !== "number") {
      throw new ErmineError(
        "ERMINE_SHAPE",
        `ctc takes log probabilities (T, N, C) and targets (N, S) or (Σ lengths), or (T, C) and (S); got ${formatShape(prediction.shape)} and ${formatShape(target.shape)}.`,
      );
    }
    const classes = prediction.shape[prediction.rank - 1] as number;
    if (!Number.isInteger(blank) || blank < 0 || blank >= classes) {
      throw new ErmineError("ERMINE_OPTION", `ctc: blank is one of the ${classes} classes, got ${blank}.`);
    }
    // Log probabilities are their own log-softmax; through it the gradient is that of the logits.
    const logProbabilities = logSoftmax(single ? expandDims(prediction, 1) : prediction, { axis: -1 });
    const [inputs, targets] = [lengths(inputLengths, prediction.rank), lengths(targetLengths, prediction.rank)];
    checkLabels(target, targetLengths, joined, classes, blank);
    const width = target.shape[target.rank - 1]!;
    const rows = single ? expandDims(target, 0) : joined && width !== 0 ? rowsOf(target, targets) : target;
    // Where there is no label at all, one that no length reaches.
    const { labels, unknown } =
      width === 0
        ? { labels: zeros([targets.shape[0]!, 1], { dtype: "int32" }), unknown: less(targets, 0) }
        : validLabels(rows, targets, classes, blank);
    const ends = joined ? cumsum(targets, 0) : targets;
    const beyond = logicalOr(isBeyond(inputs, prediction.shape[0]), logicalOr(less(targets, 0), isBeyond(ends, width)));
    const wrong = logicalOr(beyond, unknown);
    const logP = nanWhere(reshape(wrong, [1, wrong.shape[0]!, 1]), logProbabilities);
    const negLogLikelihood = alignments(logP, labels, inputs, targets, blank);
    const possible = less(negLogLikelihood, -impossible / 2);
    const value = nanWhere(wrong, where(possible, negLogLikelihood, zeroInfinity ? 0 : Infinity));
    return { value: single ? squeeze(value, 0) : value };
  },
  reductions: {
    mean({ value }, [, , , targetLengths]) {
      return mean(div(value, cast(maximum(targetLengths, 1), "float32")));
    },
  },
});
