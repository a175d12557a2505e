/** Connectionist temporal classification: a sequence without an alignment. */
import { logSoftmax } from "../activations/logSoftmax.js";
import { stopGradient } from "../autograd/gradients.js";
import { ErmineError } from "../errors.js";
import { add, div, maximum, minimum, mul, sub } from "../ops/arithmetic.js";
import { cast } from "../ops/cast.js";
import { greater, less, logicalAnd, notEqual } from "../ops/comparison.js";
import { iotaOp } from "../ops/creation.js";
import { apply1 } from "../ops/definition.js";
import { gather, indexSelect } from "../ops/gather.js";
import { cumsum } from "../ops/sort.js";
import { mean } from "../ops/statistics.js";
import { concat, expandDims, reshape, sliceAxis, squeeze, stack } from "../ops/shape.js";
import { exp, log, neg } from "../ops/unary.js";
import { where } from "../ops/where.js";
import { formatShape } from "../tensor/dim.js";
import type { Tensor } from "../tensor/tensor.js";
import { defineLoss, type LossProse } from "./definition.js";

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
  const emission = (t: number): Tensor => gather(squeeze(sliceAxis(logP, 0, t, 1), 0), 1, path);
  const start = emission(0);
  let alpha = concat([sliceAxis(start, 1, 0, 2), add(mul(sliceAxis(start, 1, 0, columns - 2), 0), impossible)], 1);
  for (let t = 1; t < steps; t++) {
    const jumped = where(skips, moved(alpha, 2), impossible);
    const next = add(logSum([alpha, moved(alpha, 1), jumped]), emission(t));
    alpha = where(expandDims(greater(inputLengths, t), 1), next, alpha);
  }
  const last = mul(targetLengths, 2);
  const at = (column: Tensor): Tensor => squeeze(gather(alpha, 1, expandDims(column, 1)), 1);
  const ending = where(greater(targetLengths, 0), at(maximum(sub(last, 1), 0)), impossible);
  return neg(logSum([at(last), ending]));
}

/** Targets one behind the other, [Σ length], as rows of that width: what is behind a row's end is whatever comes. */
function rowsOf(target: Tensor, targetLengths: Tensor): Tensor {
  const width = target.shape[0] as number;
  const starts = sub(cumsum(targetLengths, 0), targetLengths);
  const places = add(expandDims(starts, 1), expandDims(apply1(iotaOp, [], { size: width }), 0));
  const rows = indexSelect(target, 0, reshape(minimum(places, width - 1), [-1]));
  return reshape(rows, [targetLengths.shape[0]!, width]);
}

const lengths = (t: Tensor, rank: number): Tensor => (rank === 2 && t.rank === 0 ? reshape(t, [1]) : t);

/**
 * value = −log Σ p(alignment) over the alignments that give the target: repeats merged, blanks left out.
 *
 * The mean divides each value by its target's length (1 at least) and then takes the mean over the batch, as PyTorch's.
 *
 * @param prediction log probabilities (T, N, C), or (T, C) for one sequence; the gradient is that of the logits behind them
 * @param target int32 classes (N, S), one behind the other (Σ targetLengths), or (S) for one sequence; what is behind a target's length does not count
 * @param inputLengths int32 (N), at most T
 * @param targetLengths int32 (N), at most S
 * @param options.blank the class that stands for nothing; default 0
 * @param options.zeroInfinity where no alignment is possible: 0 and not Infinity; default false
 * @throws ErmineError ERMINE_SHAPE where the shapes do not fit
 */
export const ctc = defineLoss<[Tensor<"logProbabilities">, Tensor, Tensor, Tensor], { blank: number; zeroInfinity: boolean }>({
  name: "ctc",
  link: "exp",
  inputs: [
    {
      name: "prediction",
      domain: "logProbabilities",
      remedy: "Apply logSoftmax over the last axis; asLogProbabilities(t) marks numbers that are log probabilities already.",
    },
    { name: "target" },
    { name: "inputLengths" },
    { name: "targetLengths" },
  ],
  options: { blank: 0, zeroInfinity: false },
  witnesses: { blank: 1, zeroInfinity: true },
  samples: {
    sequences: (n, draw) => ({
      inputs: [draw.logProbabilities([5, n, 4]), draw.integers([n, 2], 1, 3), draw.integers([n], 4, 5), draw.integers([n], 1, 2)],
    }),
    "targets too long": (n, draw) => ({
      inputs: [draw.logProbabilities([2, n, 4]), draw.integers([n, 3], 1, 3), draw.integers([n], 2, 2), draw.integers([n], 3, 3)],
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
    const logP = logSoftmax(single ? expandDims(prediction, 1) : prediction, { axis: -1 });
    const [inputs, targets] = [lengths(inputLengths, prediction.rank), lengths(targetLengths, prediction.rank)];
    const labels = maximum(single ? expandDims(target, 0) : joined ? rowsOf(target, targets) : target, 0);
    const found = alignments(logP, labels, inputs, targets, blank);
    const possible = less(found, -impossible / 2);
    const value = where(possible, found, zeroInfinity ? 0 : Infinity);
    return { value: single ? squeeze(value, 0) : value };
  },
  reductions: {
    mean({ value }, [, , , targetLengths]) {
      return mean(div(value, cast(maximum(targetLengths, 1), "float32")));
    },
  },
});

export const ctcProse: LossProse = {
  formula: "−log Σ p(alignment)",
  derivative: "softmax(z) − the posterior of each class at each step",
  expects: "log probabilities (T, N, C)",
  targets: "class indices (N, S), with lengths of both",
  use: "Speech and handwriting, where it is not said which step is which letter.",
  mean: "N, after each value is divided by its target’s length",
  outliers: "Unbounded where the target becomes impossible.",
  source: "Graves 2006",
};
