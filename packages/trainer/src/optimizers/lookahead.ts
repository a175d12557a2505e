/** Slow weights that follow an optimizer's every k-th. */
import { add, ErmineError, greater, mul, sub, where } from "@ermine/core";
import { checkArguments, checkOptions, markCopy, show } from "@ermine/core/define";
import { ageOf } from "../schedules/schedule.js";
import { checkOptimizer, type Optimizer } from "./optimizer.js";
import { scalarAt } from "./scalars.js";
import { freeSlotName } from "./wrap.js";

/**
 * The optimizer's own steps on θ; after every k-th φ ← φ + alpha · (θ − φ) and θ ← φ. φ starts as θ, and the optimizer keeps its moments.
 *
 * Defaults: k 5, alpha 0.5. Source: Zhang et al. 2019, algorithm 1.
 *
 * @example lookahead(adamw({ learningRate: 1e-3 }), { k: 6, alpha: 0.5 })
 */
export function lookahead(
  optimizer: Optimizer,
  options: {
    /** Updates between two moves of the slow weights. Default 5. */
    readonly k?: number;
    /** Step size of the slow weights towards the fast weights, in [0, 1]. Default 0.5. */
    readonly alpha?: number;
  } = {},
): Optimizer {
  if (arguments.length > 2) checkArguments("lookahead", arguments, 2);
  checkOptions("lookahead", options, { k: "number", alpha: "number" }, "optimizer");
  checkOptimizer("lookahead: its first argument", optimizer);
  const { k = 5, alpha = 0.5 } = options;
  if (!Number.isInteger(k) || k < 1)
    throw new ErmineError("ERMINE_OPTION", `lookahead: k is a whole number ≥ 1, got ${show(k)}.`);
  if (!(alpha > 0 && alpha <= 1)) throw new ErmineError("ERMINE_OPTION", `lookahead: alpha is in (0, 1], got ${show(alpha)}.`);
  // The slow weights are every row's.
  const { rows: _, elementwise: __, ...wrappedOptimizer } = optimizer;
  const slowName = freeSlotName(optimizer, "slow");
  return markCopy("optimizer", {
    ...wrappedOptimizer,
    name: `lookahead(${optimizer.name})`,
    options: { ...optimizer.options, k, alpha },
    slots: (shape) => ({ ...optimizer.slots(shape), [slowName]: { start: "parameter", shape } }),
    scalarCount: optimizer.scalarCount + 1,
    scalars: (time) => [...optimizer.scalars(time), (ageOf(time) + 1) % k === 0 ? 1 : 0],
    update({ slots, ...state }, gradients, vector) {
      const inner = optimizer.update({ ...state, slots: slots.map((list) => list.slice(0, -1)) }, gradients, vector);
      const meets = greater(scalarAt(vector, optimizer.scalarCount), 0);
      const slow = slots.map((list, i) => {
        const slowWeights = list.at(-1)!;
        return where(meets, add(slowWeights, mul(sub(inner.parameters[i]!, slowWeights), alpha)), slowWeights);
      });
      return {
        parameters: inner.parameters.map((p, i) => where(meets, slow[i]!, p)),
        slots: inner.slots.map((list, i) => [...list, slow[i]!]),
      };
    },
  });
}
