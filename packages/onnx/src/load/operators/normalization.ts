/** Normalization over the batch, channels, groups and last axes, and dropout. */
import {
  abs,
  add,
  div,
  ErmineError,
  full,
  greaterEqual,
  groupNorm,
  mean,
  measuredCount,
  mul,
  reshape,
  sqrt,
  square,
  stopGradient,
  sub,
  sum,
  where,
  type Tensor,
} from "@ermine/core";
import { apply, apply1, drawUniform, sizeOf } from "@ermine/core/define";
import { batchNormInferenceOp, batchNormOp, groupNormOp } from "@ermine/core/backend";
import { normalizedAxis } from "./axes.js";
import { over, type Call, type Entries, type Operator, type Versions } from "./operator.js";

const batchNorm: Operator = {
  run(call) {
    const [x, weight, bias, center, spread] = [0, 1, 2, 3, 4].map((i) => call.tensor(i)) as [
      Tensor,
      Tensor,
      Tensor,
      Tensor,
      Tensor,
    ];
    const eps = call.attributes.float("epsilon", 1e-5);
    const isLive = call.run.isLive && call.run.module.training;
    if (!isLive && !call.attributes.flag("training_mode"))
      return apply1(batchNormInferenceOp, [x, center, spread, weight, bias], { eps });
    const [y, batchMean, batchVariance] = apply(batchNormOp, [x, weight, bias], { eps });
    const momentum = call.attributes.float("momentum", 0.9);
    const moved = (old: Tensor, now: Tensor): Tensor => add(mul(old, momentum), mul(stopGradient(now), 1 - momentum));
    if (!isLive) return [y, moved(center, batchMean!), moved(spread, batchVariance!)];
    // As the layer that it was: the running variance is the unbiased one.
    const axis = x.shape.flatMap((_, i) => (i === 1 ? [] : [i]));
    const count = measuredCount("BatchNormalization", x, axis);
    call.run.write(call.names[3]!, (old) => moved(old, batchMean!));
    call.run.write(call.names[4]!, (old) => moved(old, mul(batchVariance!, div(count, sub(count, 1)))));
    return [y];
  },
  opaque: [3, 4],
  running: [3, 4],
};

const instanceNorm: Operator = {
  run(call) {
    const [x, weight, bias] = [call.tensor(0), call.tensor(1), call.tensor(2)];
    return groupNorm(x, x.shape[1] as number, { weight, bias, eps: call.attributes.float("epsilon", 1e-5) });
  },
};

/** Over the axes from one on. */
const layerNorm: Operator = {
  run(call) {
    const [x, weight, bias] = [call.tensor(0), call.tensor(1), call.optional(2)];
    const axis = normalizedAxis(call.attributes.int("axis", -1), x.rank);
    const eps = call.attributes.float("epsilon", 1e-5);
    const [lead, last] = [x.shape.slice(0, axis), x.shape.slice(axis)];
    const flat = (t: Tensor | undefined): Tensor | undefined => t && reshape(t, [sizeOf(last)]);
    const isWhole = weight.rank === last.length && (bias === undefined || bias.rank === last.length);
    const fits = isWhole && [weight, bias].every((t) => t === undefined || t.shape.every((size, i) => size === last[i]));
    const rows = reshape(x, [sizeOf(lead), sizeOf(last)]);
    const [y, center, spread] = apply(groupNormOp, [rows, fits ? flat(weight) : undefined, fits ? flat(bias) : undefined], {
      groups: 1,
      eps,
      centered: true,
    });
    const around = [...lead, ...last.map(() => 1)];
    const scaled = reshape(y!, x.shape);
    const result = fits ? scaled : bias === undefined ? mul(scaled, weight) : add(mul(scaled, weight), bias);
    return [result, ...(call.outputs > 1 ? [reshape(center!, around), reshape(div(1, sqrt(add(spread!, eps))), around)] : [])];
  },
};

const rmsNorm: Operator = {
  run(call) {
    const [x, weight] = [call.tensor(0), call.tensor(1)];
    const axis = normalizedAxis(call.attributes.int("axis", -1), x.rank);
    const last = x.shape.slice(axis).map((_, i) => axis + i);
    const scale = sqrt(add(mean(square(x), { axis: last, keepDims: true }), call.attributes.float("epsilon", 1e-5)));
    return mul(div(x, scale), weight);
  },
};

/** Before version 21 a group has one weight and bias, then each channel has. */
function groups(perGroup: boolean): Operator {
  return over((call) => {
    const [x, weight, bias] = [call.tensor(0), call.tensor(1), call.tensor(2)];
    const count = call.attributes.int("num_groups", 1);
    const eps = call.attributes.float("epsilon", 1e-5);
    const channels = x.shape[1] as number;
    if (!perGroup || weight.shape[0] === channels) return groupNorm(x, count, { weight, bias, eps });
    const y = groupNorm(x, count, { eps });
    const spread = (t: Tensor): Tensor => {
      const each = reshape(mul(reshape(t, [count, 1]), full([1, channels / count], 1)), [channels]);
      return reshape(each, [channels, ...x.shape.slice(2).map(() => 1)]);
    };
    return add(mul(y, spread(weight)), spread(bias));
  });
}

const groupNormVersions: Versions = [
  [18, groups(true)],
  [21, groups(false)],
];

const meanVariance: Operator = {
  run(call) {
    const x = call.tensor(0);
    const axis = call.attributes.ints("axes", [0, 2, 3]);
    const centered = sub(x, mean(x, { axis, keepDims: true }));
    return div(centered, add(sqrt(mean(square(centered), { axis, keepDims: true })), 1e-9));
  },
};

const lpNorm: Operator = {
  run(call) {
    const x = call.tensor(0);
    const axis = normalizedAxis(call.attributes.int("axis", -1), x.rank);
    const isFirst = call.attributes.int("p", 2) === 1;
    const size = isFirst ? sum(abs(x), { axis, keepDims: true }) : sqrt(sum(square(x), { axis, keepDims: true }));
    // Nothing but zeros stays so.
    return div(x, where(greaterEqual(0, size), 1, size));
  },
};

/** The identity, but where the graph says that it trains, or the module does and is asked to follow. */
function dropout(call: Call): readonly Tensor[] {
  const x = call.tensor(0);
  const isTraining = (call.has(2) && call.number(2) !== 0) || (call.run.isLive && call.run.module.training);
  const kept = (): Tensor => full(x.shape, 1, { dtype: "bool" });
  if (!isTraining) return call.outputs > 1 ? [x, kept()] : [x];
  const ratio = call.has(1) ? call.number(1) : call.attributes.float("ratio", 0.5);
  if (ratio === 0) return call.outputs > 1 ? [x, kept()] : [x];
  if (!(ratio > 0 && ratio < 1)) throw new ErmineError("ERMINE_DATA", `Its ratio is ${ratio}, and should be in [0, 1).`);
  const mask = greaterEqual(drawUniform(x.shape, "dropout"), ratio);
  const y = where(mask, div(x, 1 - ratio), 0);
  return call.outputs > 1 ? [y, mask] : [y];
}

export const normalization: Entries = [
  ["BatchNormalization", batchNorm],
  ["InstanceNormalization", instanceNorm],
  ["LayerNormalization", layerNorm],
  ["RMSNormalization", rmsNorm],
  ["GroupNormalization", groupNormVersions],
  ["MeanVarianceNormalization", meanVariance],
  ["LpNormalization", lpNorm],
  ["Dropout", { run: dropout, statics: [1, 2] }],
];
