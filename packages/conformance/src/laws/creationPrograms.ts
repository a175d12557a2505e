/** Calls of ops that make elements of sizes and counters. */
import * as e from "@ermine/core";
import { sizeOp } from "@ermine/core/backend";
import { apply1, drawUniform } from "@ermine/core/define";
import { program } from "./program.js";

export const creationPrograms = [
  program(
    "ones, iota",
    (n, d) => [d.real([n, 2])],
    (x) => e.add(e.mul(e.ones([2]), x!), e.arange(2)),
  ),
  program(
    "the size of axes",
    (n, d) => [d.real([n, 3])],
    (x) => apply1(sizeOp, [x], { axes: [0] }),
  ),
  program(
    "random",
    (_, d) => [d.integers([3], 0, 9)],
    (counters) => e.withRandom({ seed: 7, counters: counters! }, () => drawUniform([31], "law")),
  ),
];
