/** Gradients of choosing between two tensors. */
import { greater, less, logicalAnd } from "../../ops/comparison.js";
import { gradientOf } from "../../ops/gradient.js";
import type { whereOp } from "../../ops/primitives.js";
import { sumTo } from "../../ops/reduction.js";
import { type clampOp, where } from "../../ops/where.js";

export const whereGradient = gradientOf<typeof whereOp>("where", ([g], [condition, a, b], _, __, needed) => [
  undefined,
  needed[1] ? sumTo(where(condition!, g!, 0), a!.shape) : undefined,
  needed[2] ? sumTo(where(condition!, 0, g!), b!.shape) : undefined,
]);

export const clampGradient = gradientOf<typeof clampOp>("clamp", ([g], [x], _, { min, max }) => {
  const above = min === null ? undefined : greater(x!, min);
  const below = max === null ? undefined : less(x!, max);
  const inside = above === undefined ? below : below === undefined ? above : logicalAnd(above, below);
  return [inside === undefined ? g! : where(inside, g!, 0)];
});
