/** The losses that are operators. */
import {
  div,
  equal,
  expandDims,
  gather,
  indexSelect,
  logSoftmax,
  mean,
  mul,
  neg,
  reshape,
  sum,
  where,
  type Tensor,
} from "@ermine/core";
import { sizeOf } from "@ermine/core/define";
import type { Call, Entries } from "./operator.js";

/** −weight · log p of each target's class, [N, …]; what is ignored counts for nothing. */
function likelihood(call: Call, logProbabilities: Tensor): Tensor {
  const target = call.tensor(1);
  const ignored = call.attributes.int("ignore_index", undefined);
  const isIgnored = ignored === undefined ? undefined : equal(target, ignored);
  const classes = isIgnored === undefined ? target : where(isIgnored, 0, target);
  const chosen = reshape(gather(logProbabilities, 1, expandDims(classes, 1)), target.shape);
  const table = call.optional(2);
  const given = table && reshape(indexSelect(table, 0, reshape(classes, [sizeOf(classes.shape)])), target.shape);
  const weights = isIgnored === undefined ? given : where(isIgnored, 0, given ?? 1);
  // What is ignored may be −∞.
  const losses = neg(isIgnored === undefined ? chosen : where(isIgnored, 0, chosen));
  const weighed = weights === undefined ? losses : mul(losses, weights);
  const reduction = call.attributes.string("reduction", "mean");
  if (reduction === "none") return weighed;
  if (reduction === "sum") return sum(weighed);
  return weights === undefined ? mean(weighed) : div(sum(weighed), sum(weights));
}

export const losses: Entries = [
  ["NegativeLogLikelihoodLoss", { run: (call) => likelihood(call, call.tensor(0)), opaque: [1] }],
  [
    "SoftmaxCrossEntropyLoss",
    {
      run(call) {
        const logProbabilities = logSoftmax(call.tensor(0), { axis: 1 });
        return [likelihood(call, logProbabilities), logProbabilities];
      },
      opaque: [1],
    },
  ],
];
