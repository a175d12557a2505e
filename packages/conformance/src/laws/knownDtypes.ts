/** Known values of calls whose inputs have other dtypes than usual. */
import * as e from "@ermine/core";
import { asLogProbabilities, asProbabilities, tensor, type Tensor } from "@ermine/core";
import type { KnownCall } from "./knownCall.js";

const int = (values: Parameters<typeof tensor>[0]): Tensor => tensor(values, { dtype: "int32" });
const bool = (values: Parameters<typeof tensor>[0]): Tensor => tensor(values, { dtype: "bool" });

const knownCalls = (
  name: string,
  inputs: () => readonly Tensor[],
  run: (...inputs: Tensor[]) => Tensor | readonly Tensor[],
  expected: KnownCall["expected"],
  more: Pick<KnownCall, "gradients" | "dtypes"> = {},
): KnownCall => ({ name, inputs, run: run as KnownCall["run"], expected, ...more });

/** A gradient as `evaluate` takes it: of Σ output · (1 + sin(1 + i) / 2). */
const weighed = (slopes: readonly number[]): readonly number[] => slopes.map((slope) => slope * (1 + 0.5 * Math.sin(1)));

const slope = weighed([-0.377540668798]);

/** int32 and bool where values are meant. */
const promoted: readonly KnownCall[] = [
  ...([int, bool] as const).flatMap((as, k) => [
    knownCalls(
      `bceWithLogits of ${["int32", "bool"][k]} labels`,
      () => [tensor([0.5]), as([1])],
      (z, y) => e.bceWithLogits(z!, y!),
      [[0.474076984]],
      {
        gradients: [slope],
      },
    ),
    knownCalls(
      `bce of ${["int32", "bool"][k]} labels`,
      () => [tensor([0.25]), as([1])],
      (p, y) => e.bce(asProbabilities(p!), y!),
      [[1.386294361]],
    ),
    knownCalls(
      `multiLabelSoftMargin of ${["int32", "bool"][k]} labels`,
      () => [tensor([[0.5, -1]]), as([[1, 0]])],
      (z, y) => e.multiLabelSoftMargin(z!, y!),
      [[0.3936693363]],
    ),
    knownCalls(
      `mse of ${["int32", "bool"][k]} targets`,
      () => [tensor([0.5, 3]), as([1, 0])],
      (p, y) => e.mse(p!, y!),
      [[4.625]],
    ),
  ]),
  knownCalls(
    "focal of bool labels",
    () => [tensor([[0.5, -1]]), bool([[1, 0]])],
    (z, y) => e.focal(z!, y!),
    [[0.0169434578803632]],
  ),
  knownCalls(
    "crossEntropy with int32 class weights",
    () => [tensor([[1, 2]]), int([0]), int([1, 3])],
    (z, y, weight) => e.crossEntropy(z!, y!, { weight: weight! }),
    [[1.3132616875]],
  ),
  knownCalls(
    "nll with int32 class weights",
    () => [tensor([[-1.3132616875, -0.3132616875]]), int([0]), int([1, 3])],
    (p, y, weight) => e.nll(asLogProbabilities(p!), y!, { weight: weight! }),
    [[1.3132616875]],
  ),
  knownCalls(
    "bceWithLogits with an int32 posWeight",
    () => [tensor([0.5]), tensor([1]), int([3])],
    (z, y, posWeight) => e.bceWithLogits(z!, y!, { posWeight: posWeight! }),
    [[1.422230952]],
  ),
  knownCalls(
    "a loss with int32 sample weights",
    () => [tensor([1, 2]), tensor([0, 0]), int([1, 3])],
    (p, y, sampleWeight) => e.mse(p!, y!, { sampleWeight: sampleWeight! }),
    [[3.25]],
  ),
  knownCalls(
    "scatterAdd of int32 updates",
    () => [tensor([0, 0, 0]), int([0, 1, 1]), int([1, 1, 1])],
    (x, i, u) => e.scatterAdd(x!, 0, i!, u!),
    [[1, 2, 0]],
  ),
  knownCalls(
    "indexAdd of bool updates",
    () => [tensor([0, 0, 0]), int([0, 1, 1]), bool([1, 1, 1])],
    (x, i, u) => e.indexAdd(x!, 0, i!, u!),
    [[1, 2, 0]],
  ),
  knownCalls(
    "concat of bool, int32 and float32",
    () => [bool([1]), int([2]), tensor([0.5])],
    (...all) => e.concat(all),
    [[1, 2, 0.5]],
    {
      dtypes: ["float32"],
    },
  ),
];

/** Where nothing can be promoted. */
const refused: readonly KnownCall[] = [
  knownCalls(
    "linear of an int32 weight",
    () => [tensor([[1, 2]]), int([[1, 2]])],
    (x, w) => e.linear(x!, w!),
    "ERMINE_DTYPE",
  ),
  knownCalls(
    "linear of an int32 bias",
    () => [tensor([[1]]), tensor([[1]]), int([1])],
    (x, w, b) => e.linear(x!, w!, b),
    "ERMINE_DTYPE",
  ),
  knownCalls(
    "convolution of an int32 weight",
    () => [tensor([[[1, 2]]]), int([[[1]]])],
    (x, w) => e.convolution(x!, w!),
    "ERMINE_DTYPE",
  ),
  knownCalls(
    "gather at float32 indices",
    () => [tensor([1, 2]), tensor([0])],
    (x, i) => e.gather(x!, 0, i!),
    "ERMINE_DTYPE",
  ),
  knownCalls(
    "scatterAdd of float32 into int32",
    () => [int([0]), int([0]), tensor([0.5])],
    (x, i, u) => e.scatterAdd(x!, 0, i!, u!),
    "ERMINE_DTYPE",
  ),
  knownCalls(
    "nll of float32 classes",
    () => [tensor([[-1, -1]]), tensor([0])],
    (p, y) => e.nll(asLogProbabilities(p!), y!),
    "ERMINE_DTYPE",
  ),
];

const [int32, large] = [() => [int([5, -5])], 2 ** 31] as const;

/** Numbers that int32 and bool cannot hold: refused as operands, compared exactly, and in bool all but 0 is 1. */
const beyond: readonly KnownCall[] = [
  knownCalls("less than 2³¹, of int32", int32, (x) => [e.less(x!, large), e.less(large, x!), e.greater(x!, -large - 1)], [
    [1, 1],
    [0, 0],
    [1, 1],
  ]),
  knownCalls("equal to 2³² + 5, of int32", int32, (x) => [e.equal(x!, 2 ** 32 + 5), e.notEqual(x!, NaN)], [
    [0, 0],
    [1, 1],
  ]),
  knownCalls(
    "against fractions and ∞, of int32",
    int32,
    (x) => [e.less(x!, 5.5), e.lessEqual(5.5, x!), e.less(x!, Infinity), e.less(x!, NaN)],
    [
      [1, 1],
      [0, 0],
      [1, 1],
      [0, 0],
    ],
  ),
  ...(
    [
      ["minimum", (x: Tensor) => e.minimum(x, 3e9)],
      ["mul", (x: Tensor) => e.mul(x, large)],
      ["where", (x: Tensor) => e.where(e.greater(x, 0), x, 3e9)],
      ["pad", (x: Tensor) => e.pad(x, [[1, 0]], 3e9)],
      ["clamp", (x: Tensor) => e.clamp(x, 0, 3e9)],
    ] as const
  ).map(([name, run]) => knownCalls(`${name} of int32 and more than it holds`, int32, run as KnownCall["run"], "ERMINE_DTYPE")),
  knownCalls(
    "a padded bool is 0 and 1",
    () => [bool([1, 0])],
    (x) => e.cast(e.pad(x!, [[1, 1]], 3), "int32"),
    [[1, 1, 0, 1]],
  ),
  knownCalls(
    "bool of 3 and of 0.5",
    () => [int([0, 0])],
    (x) => [e.sum(e.full([2], 3, { dtype: "bool" })), e.add(e.full([2], 0.5, { dtype: "bool" }), x!)],
    [[2], [1, 1]],
  ),
  knownCalls(
    "a dtype that does not exist",
    () => [tensor([1, 2])],
    (x) => e.cast(x!, "int64" as "int32"),
    "ERMINE_DTYPE",
  ),
];

export const knownDtypes: readonly KnownCall[] = [...promoted, ...refused, ...beyond];
