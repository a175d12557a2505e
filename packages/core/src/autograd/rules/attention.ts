/** The gradient of attention. */
import { lastOf, pairsOf, type scaledDotProductAttentionOp, weightsOf } from "../../functional/attention.js";
import { div, maximum, mul, sub } from "../../ops/arithmetic.js";
import { fusedGradient } from "../../ops/gradient.js";
import { matmul } from "../../ops/matmul.js";
import { sum } from "../../ops/reduction.js";

export const scaledDotProductAttentionGradient = fusedGradient<typeof scaledDotProductAttentionOp>(
  "scaledDotProductAttention",
  ([g], [q, k, v, mask], _, attributes) => {
    const weights = weightsOf(q!, k!, mask, attributes);
    // The mean over the keys, rather than Σ over features of g · y, which is equal but rounds differently: where one key has all the weight, the
    // difference must be exactly 0. The weights' sum is 1 up to rounding, or 0 where a query attends to nothing.
    const slopes = matmul(g!, v!, { transposeB: true });
    const total = maximum(sum(weights, { axis: -1, keepDims: true }), 0.5);
    const meanSlope = div(sum(mul(weights, slopes), { axis: -1, keepDims: true }), total);
    const toScores = mul(mul(weights, sub(slopes, meanSlope)), attributes.scale);
    return [
      matmul(toScores, k!),
      matmul(toScores, q!, { transposeA: true }),
      matmul(weights, g!, { transposeA: true }),
      undefined,
    ];
  },
  // The weights again, their slopes, and the three gradients.
  ([, q, k, v]) => 2 * pairsOf(q!, k!) * (3 * lastOf(q!) + 2 * lastOf(v!)),
);
