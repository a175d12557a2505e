/** The gradients of core's own ops and activations. Nothing else imports them. */
import { celuGradient } from "../../activations/celu.js";
import { eluGradient } from "../../activations/elu.js";
import { geluGradient } from "../../activations/gelu.js";
import { gluGradient } from "../../activations/glu.js";
import { hardSigmoidGradient } from "../../activations/hardSigmoid.js";
import { hardSwishGradient } from "../../activations/hardSwish.js";
import { hardTanhGradient } from "../../activations/hardTanh.js";
import { hardshrinkGradient } from "../../activations/hardshrink.js";
import { leakyReluGradient } from "../../activations/leakyRelu.js";
import { logSigmoidGradient } from "../../activations/logSigmoid.js";
import { logSoftmaxGradient } from "../../activations/logSoftmax.js";
import { mishGradient } from "../../activations/mish.js";
import { preluGradient } from "../../activations/prelu.js";
import { reluGradient } from "../../activations/relu.js";
import { relu6Gradient } from "../../activations/relu6.js";
import { seluGradient } from "../../activations/selu.js";
import { sigmoidGradient } from "../../activations/sigmoid.js";
import { siluGradient } from "../../activations/silu.js";
import { softmaxGradient } from "../../activations/softmax.js";
import { softplusGradient } from "../../activations/softplus.js";
import { softshrinkGradient } from "../../activations/softshrink.js";
import { softsignGradient } from "../../activations/softsign.js";
import { tanhshrinkGradient } from "../../activations/tanhshrink.js";
import { thresholdGradient } from "../../activations/threshold.js";
import { checkCall } from "../../ir/arguments.js";
import { builtinName } from "../../ir/kernels.js";
import type { Gradient, OpGradient } from "../../ops/gradient.js";
import type { GradientRule, Op, RowGradientRule } from "../../ir/op.js";
import type { GradientRules } from "../../dispatch/tape.js";
import { embeddingBagGradient } from "./embeddingBag.js";
import {
  addGradient,
  divGradient,
  maximumGradient,
  minimumGradient,
  mulGradient,
  powGradient,
  remainderGradient,
  subGradient,
} from "./arithmetic.js";
import { scaledDotProductAttentionGradient } from "./attention.js";
import {
  embeddingGradient,
  gatherGradient,
  indexAddGradient,
  indexSelectGradient,
  maxUnpoolGradient,
  scatterAddGradient,
} from "./gather.js";
import { batchNormGradient, groupNormGradient } from "./normalization.js";
import { linearGradient, matmulGradient } from "./product.js";
import { maxGradient, minGradient, prodGradient, sumGradient } from "./reduction.js";
import {
  broadcastToGradient,
  concatGradient,
  padGradient,
  reshapeGradient,
  sliceGradient,
  splitGradient,
  transposeGradient,
} from "./shape.js";
import { cumsumGradient, sortGradient } from "./sort.js";
import {
  absGradient,
  cosGradient,
  erfGradient,
  erfcGradient,
  expGradient,
  expm1Gradient,
  log1pGradient,
  logGradient,
  negGradient,
  sinGradient,
  sqrtGradient,
  tanhGradient,
} from "./unary.js";
import { clampGradient, whereGradient } from "./where.js";
import {
  avgPoolGradient,
  convolutionGradient,
  convolutionTransposeGradient,
  foldGradient,
  maxPoolGradient,
  unfoldGradient,
} from "./window.js";

const gradients = (): readonly Gradient[] => [
  addGradient,
  subGradient,
  mulGradient,
  divGradient,
  powGradient,
  maximumGradient,
  minimumGradient,
  remainderGradient,
  scaledDotProductAttentionGradient,
  indexSelectGradient,
  indexAddGradient,
  gatherGradient,
  scatterAddGradient,
  embeddingBagGradient,
  embeddingGradient,
  maxUnpoolGradient,
  batchNormGradient,
  groupNormGradient,
  matmulGradient,
  linearGradient,
  sumGradient,
  prodGradient,
  maxGradient,
  minGradient,
  reshapeGradient,
  transposeGradient,
  broadcastToGradient,
  sliceGradient,
  padGradient,
  concatGradient,
  splitGradient,
  sortGradient,
  cumsumGradient,
  negGradient,
  absGradient,
  expGradient,
  logGradient,
  log1pGradient,
  expm1Gradient,
  sqrtGradient,
  sinGradient,
  cosGradient,
  erfGradient,
  erfcGradient,
  tanhGradient,
  whereGradient,
  clampGradient,
  unfoldGradient,
  foldGradient,
  convolutionGradient,
  convolutionTransposeGradient,
  maxPoolGradient,
  avgPoolGradient,
  celuGradient,
  eluGradient,
  geluGradient,
  gluGradient,
  hardSigmoidGradient,
  hardSwishGradient,
  hardTanhGradient,
  hardshrinkGradient,
  leakyReluGradient,
  logSigmoidGradient,
  logSoftmaxGradient,
  mishGradient,
  preluGradient,
  reluGradient,
  relu6Gradient,
  seluGradient,
  sigmoidGradient,
  siluGradient,
  softmaxGradient,
  softplusGradient,
  softshrinkGradient,
  softsignGradient,
  tanhshrinkGradient,
  thresholdGradient,
];

let byName: ReadonlyMap<string, Gradient> | undefined;

/** The gradient of an op of core's own. */
function gradientFor(op: Op): OpGradient | undefined {
  const name = builtinName(op);
  if (name === undefined) return undefined;
  byName ??= new Map(gradients().map((gradient) => [gradient.name, gradient]));
  return byName.get(name)?.of(op);
}

const ruleOf = (op: Op): GradientRule | undefined =>
  op.gradient === undefined ? gradientFor(op)?.rule : (...given) => op.gradient!(...given);

/** The rule of an op's gradient: its own, or core's. undefined: it has the gradient of its decomposition. */
export function gradientRuleOf(op: Op): GradientRule | undefined {
  checkCall("gradientRuleOf(op)", arguments);
  return ruleOf(op);
}

const rowRuleOf = (op: Op): RowGradientRule | undefined =>
  op.rowGradient === undefined ? gradientFor(op)?.rowRule : (...given) => op.rowGradient!(...given);

/** The gradient rules that tapes look up. */
export const gradientRules: GradientRules = { ruleOf, rowRuleOf };

/** The op that an op's gradient is, `<name>Gradient`. undefined: its gradient is several ops, or that of its decomposition. */
export function gradientOpFor(op: Op): Op | undefined {
  checkCall("gradientOpFor(op)", arguments);
  const { gradientOp } = op as Op & { readonly gradientOp?: Op };
  return gradientOp ?? (op.gradient === undefined ? gradientFor(op)?.gradientOp : undefined);
}

/** @internal The names of the ops of core's own that have a gradient. */
export const namesWithGradient = (): readonly string[] => gradients().map(({ name }) => name);
