/** Calls of the ops that layers are made of: windows, attention, normalizations. */
import * as e from "@ermine/core";
import { batchNormInferenceOp, gruCellOp, lstmCellOp } from "@ermine/core/backend";
import { apply1 } from "@ermine/core/define";
import { batchNormOp } from "@ermine/core/backend";
import { apply } from "@ermine/core/define";
import type { Call } from "./call.js";
import { program } from "./program.js";

const windows = [
  program(
    "convolution",
    (n, d) => [d.real([n, 2, 5, 4]), d.real([3, 2, 3, 2]), d.real([3])],
    (x, w, b) => e.convolution(x!, w!, b!, { padding: 1 }),
    64,
  ),
  program(
    "convolution, a long line",
    (n, d) => [d.real([1, 4, n + 4]), d.real([4, 2, 3])],
    (x, w) => e.convolution(x!, w!, undefined, { stride: 2, dilation: 2, groups: 2 }),
  ),
  program(
    "convolution, three axes",
    (n, d) => [d.real([1, 1, n + 1, 3, 3]), d.real([2, 1, 2, 2, 2])],
    (x, w) => e.convolution(x!, w!),
    64,
  ),
  program(
    "convolutionTranspose",
    (n, d) => [d.real([n, 2, 3, 4]), d.real([2, 3, 3, 2]), d.real([3])],
    (x, w, b) => e.convolutionTranspose(x!, w!, b!, { padding: [1, 0], stride: 2 }),
    64,
  ),
  program(
    "convolutionTranspose, a long line",
    (n, d) => [d.real([1, 4, n + 1]), d.real([4, 2, 3])],
    (x, w) => e.convolutionTranspose(x!, w!, undefined, { stride: 3, dilation: 2, groups: 2, outputPadding: 1 }),
  ),
  program(
    "maxPool",
    (n, d) => [d.real([1, 2, n + 2, 4])],
    (x) => e.maxPool(x!, 2, { stride: [1, 2], padding: 1 }),
    64,
  ),
  program(
    "maxUnpool",
    (n, d) => [d.real([2, 3, n + 1])],
    (x) => {
      // No index twice: the gradient of those that share one is PyTorch's, not the slope.
      const places = e.tensor(Int32Array.from({ length: x!.shape[2] as number }, (_, i) => 2 * i + (i % 2)));
      return e.maxUnpool(x!, e.broadcastTo(places, x!.shape), 2);
    },
    64,
  ),
  program(
    "avgPool",
    (n, d) => [d.real([1, 2, n + 2, 4])],
    (x) => e.avgPool(x!, [2, 3], { stride: 2, padding: 1, countIncludePad: false }),
    64,
  ),
  program(
    "unfold",
    (n, d) => [d.real([1, 2, n + 4])],
    (x) => e.unfold(x!, 3, { dilation: 2 }),
  ),
  program(
    "fold",
    (n, d) => [d.real([1, 2, 2, n + 1])],
    (x) => e.fold(x!, [(x!.shape[3]! as number) + 1], 2),
  ),
].map((call) => ({ ...call, composed: /convolution|Pool/.test(call.name), spreads: call.name.startsWith("convolution") }));

const attention = [
  program(
    "attention",
    (n, d) => [d.real([2, n, 4]), d.real([2, 5, 4]), d.real([2, 5, 3])],
    (q, k, v) => e.scaledDotProductAttention(q!, k!, v!),
    64,
  ),
  program(
    "attention, causal",
    (n, d) => [d.real([n, 4]), d.real([n, 4]), d.real([n, 4])],
    (q, k, v) => e.scaledDotProductAttention(q!, k!, v!, { causal: true, scale: 0.3 }),
    64,
  ),
  program(
    "attention, many keys and a mask",
    (n, d) => [d.real([2, 3, 4]), d.real([n + 1, 4]), d.real([n + 1, 2]), d.real([3, n + 1])],
    (q, k, v, mask) => e.scaledDotProductAttention(q!, k!, v!, { mask: mask! }),
  ),
].map((call) => ({ ...call, composed: true }));

const lengths = (n: number, d: Parameters<Parameters<typeof program>[1]>[1]) => [d.real([3, n, 2]), d.integers([3], 0, n)];

const sequences: readonly Call[] = [
  program("sequenceMean", lengths, (x, counts) => e.sequenceMean(x!, counts!), 64),
  program("sequenceMax", lengths, (x, counts) => e.sequenceMax(x!, counts!), 64),
  program("sequenceLast", lengths, (x, counts) => e.sequenceLast(x!, counts!), 64),
  program(
    "rotary",
    (n, d) => [d.real([2, n, 4])],
    (x) => e.rotary(x!),
    64,
  ),
  program(
    "rotary, halves",
    (n, d) => [d.real([n, 6])],
    (x) => e.rotary(x!, { pairs: "halves", base: 50 }),
    64,
  ),
];

/** Eight values or more are normalized together: near a spread of 0 float32 keeps few digits. */
const normalizations: readonly Call[] = [
  program(
    "layerNorm",
    (n, d) => [d.real([n, 2, 9]), d.real([9]), d.real([9])],
    (x, weight, bias) => e.layerNorm(x!, 9, { weight: weight!, bias: bias! }),
    64,
  ),
  program(
    "rmsNorm",
    (n, d) => [d.real([n, 3, 4]), d.real([3, 4])],
    (x, weight) => e.rmsNorm(x!, [3, 4], { weight: weight! }),
    64,
  ),
  program(
    "groupNorm",
    (n, d) => [d.real([n, 6, 5]), d.real([6]), d.real([6])],
    (x, weight, bias) => e.groupNorm(x!, 2, { weight: weight!, bias: bias! }),
    64,
  ),
  program(
    "groupNorm, without weight and bias",
    (n, d) => [d.real([n, 2, 3, 4])],
    (x) => e.groupNorm(x!, 2),
    64,
  ),
  program(
    "batchNorm",
    (n, d) => [d.real([n + 8, 3]), d.real([3]), d.real([3])],
    (x, weight, bias) => apply(batchNormOp, [x, weight, bias], { eps: 1e-5 })[0]!,
    64,
  ),
  program(
    "batchNorm, its statistics too",
    (n, d) => [d.real([n + 2, 3, 4])],
    (x) => e.concat(apply(batchNormOp, [x, undefined, undefined], { eps: 1e-3 }).map((t) => e.reshape(t, [-1]))),
    64,
  ),
  program(
    "batchNormInference",
    (n, d) => [d.real([n, 3, 4]), d.real([3]), d.positive([3]), d.real([3]), d.real([3])],
    (x, center, spread, weight, bias) => apply1(batchNormInferenceOp, [x, center, spread, weight, bias], { eps: 1e-5 }),
    64,
  ),
  program(
    "batchNormInference, without weight and bias",
    (n, d) => [d.real([n, 3]), d.real([3]), d.positive([3])],
    (x, center, spread) => apply1(batchNormInferenceOp, [x, center, spread, undefined, undefined], { eps: 1e-3 }),
    64,
  ),
].map((call) => ({ ...call, composed: true }));

const gatesOf =
  (count: number) =>
  (n: number, d: Parameters<Parameters<typeof program>[1]>[1]): readonly e.Tensor[] => [
    d.real([3, count * n]),
    d.real([3, count * n]),
    d.real([3, n]),
  ];

/** Of a step with its gates there is a gradient of the gates as well, which kernels leave to the decomposition. */
const cells: readonly Call[] = [
  program("lstmCell", gatesOf(4), (input, recurrent, c) => apply(lstmCellOp, [input, recurrent, c], {}).slice(0, 2)),
  program("lstmCell, its gates too", gatesOf(4), (input, recurrent, c) => apply(lstmCellOp, [input, recurrent, c], {}), 64),
  program("gruCell", gatesOf(3), (input, recurrent, h) => apply1(gruCellOp, [input, recurrent, h], {})),
  program("gruCell, its gates too", gatesOf(3), (input, recurrent, h) => apply(gruCellOp, [input, recurrent, h], {}), 64),
].map((call) => ({ ...call, composed: true }));

export const layerPrograms: readonly Call[] = [...windows, ...attention, ...sequences, ...normalizations, ...cells];
