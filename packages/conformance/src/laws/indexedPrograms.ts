/** Calls of ops that take indices. */
import * as e from "@ermine/core";
import { embeddingBagOp, embeddingOp } from "@ermine/core/backend";
import { apply, apply1 } from "@ermine/core/define";
import type { Call } from "./call.js";
import { program } from "./program.js";

export const indexedPrograms = [
  program(
    "gather",
    (n, d) => [d.real([n, 4]), d.integers([n, 3], 0, 3)],
    (x, i) => e.gather(x!, 1, i!),
  ),
  program(
    "gather of int32",
    (n, d) => [d.integers([4, n], -9, 9), d.integers([2, n], 0, 3)],
    (x, i) => e.gather(x!, 0, i!),
  ),
  program(
    "indexSelect",
    (n, d) => [d.real([4, 3]), d.integers([n], 0, 3)],
    (x, i) => e.indexSelect(x!, 0, i!),
  ),
  program(
    "indexSelect of bool, the last axis",
    (n, d) => [d.real([3, 4]), d.integers([n], 0, 3)],
    (x, i) => e.indexSelect(e.greater(x!, 0), 1, i!),
  ),
  program(
    "scatterAdd",
    (n, d) => [d.real([n, 4]), d.integers([n, 3], 0, 3), d.real([n, 3])],
    (x, i, u) => e.scatterAdd(x!, 1, i!, u!),
  ),
  program(
    "scatterAdd, the first axis",
    (n, d) => [d.real([4, n]), d.integers([3, n], 0, 3), d.real([3, n])],
    (x, i, u) => e.scatterAdd(x!, 0, i!, u!),
  ),
  program(
    "indexAdd",
    (n, d) => [d.real([4, 3]), d.integers([n], 0, 3), d.real([n, 3])],
    (x, i, u) => e.indexAdd(x!, 0, i!, u!),
  ),
  program(
    "sumRows",
    (n, d) => [d.real([n, 3]), d.integers([n], 0, 3)],
    (rows, i) => Object.values(e.sumRows(i!, rows!, 4)),
  ),
  program(
    "setRows",
    (n, d) => [d.real([4, 3]), d.integers([n], 0, 3), d.real([n, 3])],
    // Rows of one index must be the same.
    (table, i, rows) => e.setRows(table!, i!, e.sumRows(i!, rows!, 4).sums),
  ),
  {
    ...program(
      "embedding",
      (n, d) => [d.real([4, 3]), d.integers([n], 0, 3)],
      (table, i) => apply1(embeddingOp, [table!, i!], { paddingIdx: 1, scaleGradByFreq: true }),
    ),
    // The padding's row gets no gradient, and the others' are scaled: not the slope of the value.
    differentiable: [],
  },
  {
    ...program(
      "maxUnpool, indices that are given",
      (n, d) => [d.real([n, 2]), d.integers([n, 2], 0, 3)],
      (x, i) => e.maxUnpool(x!, i!, [2]),
    ),
    // Elements of one index are averaged, and each has the whole gradient: not the slope of the value.
    differentiable: [],
  },
  ...(["sum", "mean", "max"] as const).flatMap((mode) => [
    program(
      `embeddingBag, ${mode}, by length`,
      (n, d) => [d.real([4, 3]), d.integers([n, 2], 0, 3)],
      (table, i) =>
        apply(embeddingBagOp, [table!, e.reshape(i!, [-1]), undefined, undefined], {
          mode,
          paddingIdx: null,
          scaleGradByFreq: false,
          bags: i!.shape[0]!,
          length: 2,
        })[0]!,
    ),
    program(
      `embeddingBag, ${mode}, by offsets`,
      (n, d) => [d.real([4, 3]), d.integers([n], 0, 3)],
      (table, i) =>
        apply(embeddingBagOp, [table!, i!, e.tensor(Int32Array.of(0, 0)), undefined], {
          mode,
          paddingIdx: null,
          scaleGradByFreq: false,
          bags: 2,
          length: null,
        })[0]!,
    ),
  ]),
  program(
    "embeddingBag, weighed",
    (n, d) => [d.real([4, 3]), d.integers([n, 2], 0, 3), d.real([2 * n])],
    (table, i, weights) =>
      apply(embeddingBagOp, [table!, e.reshape(i!, [-1]), undefined, weights!], {
        mode: "sum",
        paddingIdx: null,
        scaleGradByFreq: false,
        bags: i!.shape[0]!,
        length: 2,
      })[0]!,
  ),
  program(
    "oneHot",
    (n, d) => [d.real([4]), d.integers([n], 0, 3)],
    (weights, i) => e.mul(e.oneHot(i!, 4), weights!),
  ),
  program(
    "at, a tensor",
    (n, d) => [d.real([3, 4]), d.integers([n], -4, 3)],
    (x, i) => e.at(x!, {}, i!),
  ),
  program(
    "at, tensors for several axes",
    (n, d) => [d.real([4, 4, 2]), d.integers([n], -4, 3), d.integers([n], -4, 3)],
    (x, i, j) => e.at(x!, i!, j!),
  ),
].map((call): Call => {
  const negative = call.name.startsWith("at");
  const inputs = call.name.includes("several") ? [1, 2] : [1];
  return { ...call, indices: inputs.map((input) => ({ input, size: 4, ...(negative ? { least: -4 } : {}) })) };
});
