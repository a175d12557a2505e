/** Cross-entropy of x · weightᵀ + bias without its logits: some classes at a time, forward and backward. */
import { ErmineError } from "../types/errors.js";
import { stopGradient } from "../dispatch/tapes.js";
import { builtinFusedOp } from "../ops/fused.js";
import { add, mul, sub } from "../ops/arithmetic.js";
import { apply } from "../ops/apply.js";
import { cast } from "../ops/cast.js";
import { equal, greaterEqual, less, logicalAnd, notEqual } from "../ops/comparison.js";
import { concat } from "../ops/concat.js";
import { full, iota, onesLike } from "../ops/creation.js";
import { gather, indexSelect } from "../ops/gather.js";
import { linear } from "../ops/linear.js";
import { matmul } from "../ops/matmul.js";
import { max, sum } from "../ops/reduction.js";
import { expandDims, reshape, squeeze } from "../ops/shape.js";
import { sliceAxis } from "../ops/slice.js";
import { exp, log } from "../ops/unary.js";
import { where } from "../ops/where.js";
import { countElements, formatShape, sameShape, type Shape, type Size } from "../types/dim.js";
import type { TensorType } from "../types/storage.js";
import type { Tensor } from "../types/tensor.js";
import { areClasses, checkClassWeight } from "./classes.js";
import { defineLoss } from "./definition.js";
import { invalidClassToNaN, invalidClassToZero } from "./invalidClasses.js";
import { areClassProbabilities } from "./values.js";

/** Class indices, or what each class has of 1. */
const classesOrShares = { int32: "int32", float32: "float32" } as const;

type Attributes = {
  /** The number of classes. */
  readonly classes: number;
  /** How many of them have their logits at one time. */
  readonly chunkSize: number;
  readonly ignoreIndex: number;
  readonly labelSmoothing: number;
};

/** Some classes: their logits, shares of the target and weights. P is how many losses each sample has. */
interface Chunk {
  /** The first of the classes. */
  readonly start: number;
  /** How many they are. */
  readonly count: number;
  /** (count · P, D). */
  readonly rows: Tensor;
  /** (N, count, P). */
  logits(): Tensor;
  /** Weight times the smoothed share of each class: (N, count, P), or (1, count, 1) of class indices; undefined where it is 0. */
  readonly mass: Tensor | undefined;
  /** (1, count, 1). */
  readonly weight: Tensor | undefined;
}

type Operands = readonly [x: Tensor, rows: Tensor, target: Tensor, bias: Tensor | undefined, weight: Tensor | undefined];

function chunksOf([x, rows, target, bias, weight]: Operands, attributes: Attributes): readonly Chunk[] {
  const { classes, chunkSize, labelSmoothing } = attributes;
  const losses = (rows.shape[0] as number) / classes;
  const spread = labelSmoothing / classes;
  const isIndices = target.dtype === "int32";
  return Array.from({ length: Math.ceil(classes / chunkSize) }, (_, i) => {
    const start = i * chunkSize;
    const count = Math.min(chunkSize, classes - start);
    const part = (t: Tensor): Tensor => sliceAxis(t, 0, start * losses, count * losses);
    const chunkRows = part(rows);
    const chunkWeight = weight && reshape(sliceAxis(weight, 0, start, count), [1, count, 1]);
    const weigh = (shares: Tensor | number): Tensor | undefined => {
      if (shares === 0) return undefined;
      if (chunkWeight !== undefined) return mul(chunkWeight, shares);
      return typeof shares === "number" ? full([1, count, 1], shares) : shares;
    };
    const shares = isIndices ? spread : add(mul(sliceAxis(target, 1, start, count), 1 - labelSmoothing), spread);
    return {
      start,
      count,
      rows: chunkRows,
      logits: () => reshape(linear(x, chunkRows, bias && part(bias)), [x.shape[0]!, count, losses]),
      mass: weigh(shares),
      weight: chunkWeight,
    };
  });
}

const axis = 1;
const keepDims = true;

/** The sum of tensors of which some are not there. */
const total = (tensors: readonly (Tensor | undefined)[]): Tensor | undefined =>
  tensors.reduce((a, b) => (a === undefined ? b : b === undefined ? a : add(a, b)), undefined);

/** The weight of each target's class: (N, P). */
function weightsOf([, , target, , weight]: Operands, classes: number): Tensor {
  if (weight === undefined) return cast(onesLike(target), "float32");
  const indices = invalidClassToZero(target, classes);
  return reshape(indexSelect(weight, 0, reshape(indices, [-1])), indices.shape);
}

/** The values of `linearCrossEntropy` before the reduction, what each counts for, and of its logits the maximum and log Σ exp(z − maximum): each (N, P). */
export const linearCrossEntropyElementsOp = builtinFusedOp<Attributes>({
  name: "linearCrossEntropyElements",
  inputs: [
    { name: "x", dtype: "float32" },
    { name: "rows", dtype: "float32" },
    { name: "target", dtype: classesOrShares, differentiable: false },
    { name: "bias", dtype: "float32", optional: true },
    { name: "weight", dtype: "value", optional: true, differentiable: false },
  ],
  infer([x, rows], { classes }) {
    const losses = (rows!.shape[0] as number) / classes;
    const type = { shape: [x!.shape[0]!, losses], dtype: "float32", domain: "real" } as const;
    return [type, type, type, type];
  },
  classIndices: ([, , target], { classes, ignoreIndex }) =>
    target!.dtype === "int32" ? { input: 2, classes, ignoreIndex } : undefined,
  flops: ([x, rows]) => 2 * (x!.shape[0] as number) * countElements(rows!.shape),
  decompose(operands, attributes) {
    const [, , target] = operands as Operands;
    const { classes, ignoreIndex, labelSmoothing } = attributes;
    const isIndices = target.dtype === "int32";
    const parts = chunksOf(operands as Operands, attributes).map((chunk) => {
      const logits = chunk.logits();
      const most = stopGradient(max(logits, { axis, keepDims }));
      const shift = where(equal(most, -Infinity), 0, most);
      const shifted = sub(logits, shift);
      return {
        most,
        shift,
        sum: sum(exp(shifted), { axis, keepDims }),
        mass: chunk.mass && sum(chunk.mass, { axis, keepDims }),
        massOfLogits: chunk.mass && sum(mul(shifted, chunk.mass), { axis, keepDims }),
        picked: isIndices ? logitsAt(logits, target, chunk) : undefined,
      };
    });
    const most = max(
      concat(
        parts.map((part) => part.most),
        axis,
      ),
      { axis, keepDims },
    );
    const sums = parts.map((part) => (parts.length === 1 ? part.sum : mul(part.sum, exp(sub(part.most, most)))));
    const logSum = log(total(sums)!);
    // Σ mass · (logSum + most − z), of differences from each chunk's own maximum.
    const spread = total(
      parts.map(({ mass, massOfLogits, shift }) => mass && sub(mul(add(logSum, sub(most, shift)), mass), massOfLogits!)),
    );
    const flat = (t: Tensor): Tensor => squeeze(t, axis);
    const statistics = [flat(most), flat(logSum)];
    if (!isIndices) return [flat(spread!), onesLike(flat(most)), ...statistics];
    const valid = notEqual(target, ignoreIndex);
    const counted = weightsOf(operands as Operands, classes);
    const likelihood = add(sub(flat(most), total(parts.map(({ picked }) => picked))!), flat(logSum));
    const sharp = mul(mul(likelihood, counted), 1 - labelSmoothing);
    const value = spread === undefined ? sharp : add(sharp, flat(spread));
    const known = invalidClassToNaN(value, target, classes, ignoreIndex);
    return [where(valid, known, 0), where(valid, counted, 0), ...statistics];
  },
  gradient([g, , , ofLogSum], operands, [, , most, logSum], attributes) {
    const [x, rows, target, bias] = operands as Operands;
    const { classes, ignoreIndex, labelSmoothing } = attributes;
    const isIndices = target.dtype === "int32";
    const chunks = chunksOf(operands as Operands, attributes);
    const along = (t: Tensor): Tensor => expandDims(t, axis);
    const [maximum, logTotal] = [along(most!), along(logSum!)];
    const allMass = total(chunks.map(({ mass }) => mass && sum(mass, { axis, keepDims })));
    const valid = notEqual(target, ignoreIndex);
    // Masked on both sides: where all is ignored, g is 1/0 and 0 · ∞ would be NaN.
    const ofValue = isIndices ? where(valid, g!, 0) : g!;
    const ofTarget = isIndices
      ? invalidClassToNaN(
          mul(mul(where(valid, weightsOf(operands as Operands, classes), 0), 1 - labelSmoothing), ofValue),
          target,
          classes,
          ignoreIndex,
        )
      : undefined;
    // Of what is taken from each logit by the softmax; the gradient of this gradient comes back through logSum, the maximum being a constant in both.
    const ofSoftmax = along(total([ofLogSum!, ofTarget])!);
    const factor = allMass === undefined ? ofSoftmax : add(ofSoftmax, mul(allMass, along(ofValue)));
    const gradients = chunks.map((chunk) => {
      let slope = mul(exp(sub(sub(chunk.logits(), maximum), logTotal)), factor);
      if (ofTarget !== undefined) slope = sub(slope, where(isTarget(target, chunk), along(ofTarget), 0));
      if (chunk.mass !== undefined) slope = sub(slope, mul(chunk.mass, along(ofValue)));
      const flat = reshape(slope, [x.shape[0]!, chunk.rows.shape[0]!]);
      return {
        x: matmul(flat, chunk.rows),
        rows: matmul(flat, x, { transposeA: true }),
        bias: bias && sum(flat, { axis: 0 }),
      };
    });
    const joined = (tensors: readonly Tensor[]): Tensor => (tensors.length === 1 ? tensors[0]! : concat(tensors, 0));
    return [
      total(gradients.map((each) => each.x))!,
      reshape(joined(gradients.map((each) => each.rows)), rows.shape),
      undefined,
      bias && joined(gradients.map((each) => each.bias!)),
      undefined,
    ];
  },
});

/** The target's logit where it is among the chunk's classes, 0 elsewhere: (N, P). */
function logitsAt(logits: Tensor, target: Tensor, { start, count }: Chunk): Tensor {
  const isInside = logicalAnd(greaterEqual(target, start), less(target, start + count));
  const indices = where(isInside, sub(target, start), 0);
  return where(isInside, squeeze(gather(logits, axis, expandDims(indices, axis)), axis), 0);
}

/** Is it the target's class? (N, count, P). */
const isTarget = (target: Tensor, { start, count }: Chunk): Tensor =>
  equal(expandDims(target, axis), add(reshape(iota(count), [1, count, 1]), start));

/** The options of `linearCrossEntropy`, next to those of every loss. */
export interface LinearCrossEntropyOptions {
  /** Added to the logits: (C), or (C, d…). Default: none. */
  readonly linearBias: Tensor | undefined;
  /** The weight of each class, (C): with class indices the mean divides by Σ weight[target]. Default: all 1. */
  readonly weight: Tensor | undefined;
  /** Targets with this class index count for nothing. Default −100. */
  readonly ignoreIndex: number;
  /** ε in [0, 1]: targets become (1 − ε) · y + ε / C. Default 0. */
  readonly labelSmoothing: number;
  /** For how many classes at a time there are logits. Default: as many as make 4,096 logits of a sample, but at least C / 64. */
  readonly chunkSize: number | undefined;
}

/** Of how many logits of a sample a chunk is by default, and of how many chunks a program is at most. */
const usual = { logits: 4096, chunks: 64 };

function checkShapes(input: TensorType, weight: TensorType, target: TensorType, bias: TensorType | undefined): void {
  const refuse = (what: string): never => {
    throw new ErmineError("ERMINE_SHAPE", `linearCrossEntropy: ${what}`);
  };
  const [features, axes] = [weight.shape.at(-1), weight.shape.slice(1, -1)];
  const fits = weight.shape.length >= 2 && [1, 2].includes(input.shape.length) && input.shape.at(-1) === features;
  if (!fits)
    refuse(
      `the input is (N, D) or (D) and linearWeight (C, D) or (C, d…, D) with the same D, got ${formatShape(input.shape)} and ${formatShape(weight.shape)}.`,
    );
  if (input.shape.length === 1 && axes.length > 0) refuse("a weight of several axes takes an input with a batch, (N, D).");
  const lead = input.shape.slice(0, -1);
  const expected = target.dtype === "int32" ? [...lead, ...axes] : [...lead, weight.shape[0]!, ...axes];
  if (!sameShape(target.shape, expected))
    refuse(
      `${target.dtype === "int32" ? "class indices" : "class probabilities"} have the shape ${formatShape(expected)}, got ${formatShape(target.shape)}.`,
    );
  const rows: Shape = weight.shape.slice(0, -1);
  if (bias !== undefined && !sameShape(bias.shape, rows))
    refuse(`linearBias has the shape ${formatShape(rows)}, got ${formatShape(bias.shape)}.`);
}

/**
 * crossEntropy(x · weightᵀ + bias, target) without its logits, which are the largest tensor of a language model's training: they are computed for some classes at a time, forward and again
 * backward. Memory is N · chunkSize elements in place of N · C; the backward pass has one product more.
 *
 * Class indices: value = −w[y] · log softmax(z)[y]; class probabilities: −Σ w[k] · y[k] · log softmax(z)[k], of z = x · weightᵀ + bias.
 *
 * - formula: −w[y] · log softmax(x · weightᵀ + bias)[y]
 * - derivative: of the logits: w[y] · (softmax(z) − onehot(y))
 * - expects: the features before the last linear layer, and its weight
 * - targets: class indices (int32) or class probabilities (float32)
 * - use: Classification into very many exclusive classes: language models.
 * - mean: class indices: Σ w[y] over the targets that are not ignored; class probabilities: N · d…
 * - outliers: A wrong label pulls with at most w[y] on each logit; smoothing tempers confidence.
 *
 * @param input (N, D) or (D)
 * @param linearWeight (C, D); (C, d…, D) for a loss of each of d…
 * @param target int32 indices (N, d…), or float32 probabilities (N, C, d…); without N as the input
 * @throws ErmineError ERMINE_SHAPE, ERMINE_OPTION, ERMINE_VALUE for an index out of range that is on the host; elsewhere the value and the gradient are NaN there
 * @example
 * const x = tensor([[1, 2], [0, 1]]);
 * const rows = tensor([[1, 0], [0, 1], [1, 1]]);
 * linearCrossEntropy(x, rows, tensor([2, 0], { dtype: "int32" }), { chunkSize: 2 }).item(); // => 1.1348
 */
export const linearCrossEntropy = defineLoss<[Tensor<"real">, Tensor<"real">, Tensor], LinearCrossEntropyOptions>({
  name: "linearCrossEntropy",
  link: "softmax",
  inputs: [
    { name: "input", dtype: "float32", domain: "real" },
    { name: "linearWeight", dtype: "float32", domain: "real", role: "auxiliary" },
    {
      name: "target",
      dtype: classesOrShares,
      values: ({ ignoreIndex }: { ignoreIndex: number }, [, weight, target]) =>
        target!.dtype === "int32"
          ? areClasses({ ...target!, shape: [1, weight!.shape[0]!] }, ignoreIndex)
          : areClassProbabilities,
    },
  ],
  options: { linearBias: undefined, weight: undefined, ignoreIndex: -100, labelSmoothing: 0, chunkSize: undefined },
  kinds: { ignoreIndex: "integer", chunkSize: "integer" },
  samples: {
    indices: (n, draw) => ({ inputs: [draw.real([n, 3]), draw.real([4, 3]), draw.integers([n], 0, 3)] }),
    "distributions, some classes at a time": (n, draw) => ({
      inputs: [draw.real([n, 3]), draw.real([4, 3]), draw.probabilities([n, 4])],
      options: { weight: draw.positive([4]), labelSmoothing: 0.1, chunkSize: 3 },
    }),
  },
  check({ labelSmoothing, chunkSize }) {
    if (!(labelSmoothing >= 0 && labelSmoothing <= 1))
      throw new ErmineError("ERMINE_OPTION", `linearCrossEntropy: labelSmoothing is in [0, 1], got ${labelSmoothing}.`);
    if (chunkSize !== undefined && !(chunkSize >= 1))
      throw new ErmineError("ERMINE_OPTION", `linearCrossEntropy: chunkSize is a whole number ≥ 1, got ${chunkSize}.`);
  },
  elements([input, linearWeight, target], { linearBias, weight, ignoreIndex, labelSmoothing, chunkSize }) {
    checkShapes(input, linearWeight, target, linearBias);
    checkClassWeight("linearCrossEntropy", linearWeight.shape[0]!, weight);
    const [classes, ...rest] = linearWeight.shape as readonly [number, ...number[]];
    const features = rest.at(-1)!;
    const losses = countElements(rest.slice(0, -1));
    const count: Size = input.rank === 1 ? 1 : input.shape[0]!;
    const [value, normalizer] = apply(
      linearCrossEntropyElementsOp,
      [
        reshape(input, [count, features]),
        reshape(linearWeight, [classes * losses, features]),
        reshape(target, target.dtype === "int32" ? [count, losses] : [count, classes, losses]),
        linearBias && reshape(linearBias, [classes * losses]),
        weight,
      ],
      {
        classes,
        chunkSize: Math.min(
          classes,
          chunkSize ?? Math.max(1, Math.floor(usual.logits / losses), Math.ceil(classes / usual.chunks)),
        ),
        ignoreIndex,
        labelSmoothing,
      },
    );
    const shape = [...input.shape.slice(0, -1), ...rest.slice(0, -1)];
    const shaped = (t: Tensor): Tensor => reshape(t, shape);
    return { value: shaped(value!), normalizer: target.dtype === "int32" ? shaped(normalizer!) : undefined };
  },
});
