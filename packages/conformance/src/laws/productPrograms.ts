/** Calls of ops that multiply matrices. */
import * as e from "@ermine/core";
import { program } from "./program.js";

export const productPrograms = [
  ...[false, true].flatMap((transposeA) =>
    [false, true].map((transposeB) =>
      program(
        `matmul${transposeA ? ", Aᵀ" : ""}${transposeB ? ", Bᵀ" : ""}`,
        (n, d) => [d.real(transposeA ? [n, 5] : [5, n]), d.real(transposeB ? [6, n] : [n, 6])],
        (a, b) => e.matmul(a!, b!, { transposeA, transposeB }),
      ),
    ),
  ),
  program(
    "matmul, long rows",
    (n, d) => [d.real([n, 3]), d.real([3, n])],
    (a, b) => e.matmul(a!, b!),
    64,
  ),
  program(
    "matmul, batched",
    (n, d) => [d.real([2, 1, n, 3]), d.real([3, 3, 4])],
    (a, b) => e.matmul(a!, b!),
    64,
  ),
  program(
    "matmul of a vector",
    (n, d) => [d.real([n]), d.real([n, 3])],
    (a, b) => e.matmul(a!, b!),
  ),
  program(
    "einsum",
    (n, d) => [d.real([2, n, 3]), d.real([3, 4])],
    (a, b) => e.einsum("bij,jk->bki", a!, b!),
    64,
  ),
  {
    ...program(
      "linear",
      (n, d) => [d.real([n, 5]), d.real([7, 5]), d.real([7])],
      (x, w, b) => e.linear(x!, w!, b!),
    ),
    composed: true,
  },
  {
    ...program(
      "linear, no bias",
      (n, d) => [d.real([2, 3, n]), d.real([4, n])],
      (x, w) => e.linear(x!, w!),
    ),
    composed: true,
  },
  {
    ...program(
      "prelu",
      (n, d) => [d.real([n, 3]), d.real([3])],
      (x, w) => e.prelu(x!, w!),
    ),
    composed: true,
  },
];
