/** Gradients of picking and adding by index: each is the other's. */
import { apply1 } from "../../ops/apply.js";
import { zerosLike } from "../../ops/creation.js";
import { type embeddingOp, rowsOf } from "../../ops/embedding.js";
import { gatherOp, indexAdd, indexAddOp, indexSelectOp, scatterAddOp } from "../../ops/gather.js";
import { gradientOf } from "../../ops/gradient.js";
import type { maxUnpoolOp } from "../../ops/unpooling.js";

export const indexSelectGradient = gradientOf<typeof indexSelectOp>(
  "indexSelect",
  ([g], [x, indices], _, { axis }) => [apply1(indexAddOp, [zerosLike(x!), indices, g], { axis }), undefined],
  (g, [x, indices], { axis }) => (axis === 0 && x!.rank === 2 ? { indices: indices!, rows: g } : undefined),
);

export const indexAddGradient = gradientOf<typeof indexAddOp>("indexAdd", ([g], [, indices], _, { axis }, needed) => [
  g,
  undefined,
  needed[2] ? apply1(indexSelectOp, [g, indices], { axis }) : undefined,
]);

export const gatherGradient = gradientOf<typeof gatherOp>("gather", ([g], [x, indices], _, { axis }) => [
  apply1(scatterAddOp, [zerosLike(x!), indices, g], { axis }),
  undefined,
]);

export const scatterAddGradient = gradientOf<typeof scatterAddOp>("scatterAdd", ([g], [, indices], _, { axis }, needed) => [
  g,
  undefined,
  needed[2] ? apply1(gatherOp, [g, indices], { axis }) : undefined,
]);

export const embeddingGradient = gradientOf<typeof embeddingOp>(
  "embedding",
  ([g], [table, indices], _, attributes) => [
    indexAdd(zerosLike(table!), 0, indices!, rowsOf(g!, table!, indices!, attributes)),
    undefined,
  ],
  (g, [table, indices], attributes) => ({ indices: indices!, rows: rowsOf(g, table!, indices!, attributes) }),
);

/** To each element what flows to the place where it was put, also where several were put, as PyTorch's. */
export const maxUnpoolGradient = gradientOf<typeof maxUnpoolOp>("maxUnpool", ([g], [, indices]) => [
  apply1(gatherOp, [g, indices], { axis: 2 }),
  undefined,
]);
