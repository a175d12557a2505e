/** Calls of ops that go along axes: reductions, running sums, sorting. */
import * as e from "@ermine/core";
import type { Tensor } from "@ermine/core";
import { program } from "./program.js";

/** Over a line, over rows and over columns: the axis that grows is the last, or the first. */
const reductions = (
  [
    ["sum", (x, o) => e.sum(x, o)],
    ["mean", (x, o) => e.mean(x, o)],
    ["variance", (x, o) => e.variance(x, o)],
    ["norm", (x, o) => e.norm(x, o)],
    ["logSumExp", (x, o) => e.logSumExp(x, o)],
    ["max", (x, o) => e.max(x, o)],
    ["min", (x, o) => e.min(x, o)],
  ] as readonly (readonly [string, (x: Tensor, options: e.ReduceOptions) => Tensor])[]
).flatMap(([name, fn]) => [
  program(
    `${name} of a line`,
    (n, d) => [d.real([n])],
    (x) => fn(x!, {}),
    65_537,
  ),
  program(
    `${name} of rows`,
    (n, d) => [d.real([3, n])],
    (x) => fn(x!, { axis: 1, keepDims: true }),
  ),
  program(
    `${name} of columns`,
    (n, d) => [d.real([n, 3])],
    (x) => fn(x!, { axis: 0 }),
  ),
  program(
    `${name} around an axis`,
    (n, d) => [d.real([2, n, 3])],
    (x) => fn(x!, { axis: [0, 2] }),
  ),
]);

const along = [
  program(
    "prod",
    (n, d) => [d.positive([n, 3])],
    (x) => e.prod(x!, { axis: 1 }),
  ),
  program(
    "argMax, argMin",
    (n, d) => [d.real([3, n])],
    (x) => [e.argMax(x!, { axis: 1 }), e.argMin(x!, { axis: 0 })],
  ),
  program(
    "any, all",
    (n, d) => [d.integers([n, 3], 0, 1)],
    (x) => [e.any(x!, { axis: 1 }), e.all(x!, { axis: 0 })],
  ),
  program(
    "cumsum",
    (n, d) => [d.real([2, n])],
    (x) => [e.cumsum(x!, 1), e.cumsum(x!, 0)],
  ),
  program(
    "sort",
    (n, d) => [d.real([2, n])],
    (x) => {
      const { values, indices } = e.sort(x!, { axis: 1, descending: true });
      return [values, indices];
    },
  ),
  program(
    "topK",
    (n, d) => [d.real([n + 2, 2])],
    (x) => e.topK(x!, 2, { axis: 0 }).values,
  ),
];

export const reductionPrograms = [...reductions, ...along];
