/** Gradients of order and running sums. */
import { apply1 } from "../../ops/apply.js";
import { zerosLike } from "../../ops/creation.js";
import { scatterAddOp } from "../../ops/gather.js";
import { gradientOf } from "../../ops/gradient.js";
import { flip } from "../../ops/slice.js";
import { cumsumOp, type sortOp } from "../../ops/sort.js";

export const sortGradient = gradientOf<typeof sortOp>("sort", ([g], [x], [, indices], { axis }) => [
  apply1(scatterAddOp, [zerosLike(x!), indices, g], { axis }),
]);

export const cumsumGradient = gradientOf<typeof cumsumOp>("cumsum", ([g], _, __, { axis }) => [
  flip(apply1(cumsumOp, [flip(g!, axis)], { axis }), axis),
]);
