/** Calls of ops, as people call them. An op that none of them reaches, nor any activation or loss, breaks the law that all are. */
import * as e from "@ermine/core";
import type { Tensor } from "@ermine/core";
import type { Call } from "./call.js";
import { creationPrograms } from "./creationPrograms.js";
import { elementwisePrograms } from "./elementwisePrograms.js";
import { indexedPrograms } from "./indexedPrograms.js";
import { layerPrograms } from "./layerPrograms.js";
import { loopPrograms } from "./loopPrograms.js";
import { movementPrograms } from "./movementPrograms.js";
import { productPrograms } from "./productPrograms.js";
import { program, type Inputs } from "./program.js";
import { reductionPrograms } from "./reductionPrograms.js";

/** Losses of classes over as many axes as there are: TensorFlow's own kernels end at five. */
const manyAxes: Inputs = (n, d) => [d.real([2, 3, 1, 2, n, 2]), d.integers([2, 1, 2, n, 2], 0, 2), d.real([2, 3, 1, 2, n, 2])];
const overManyAxes = (
  [
    ["class weights", (z, y) => e.crossEntropy(z, y, { weight: e.tensor([1, 2, 3]) })],
    ["label smoothing", (z, y) => e.crossEntropy(z, y, { labelSmoothing: 0.1 })],
    ["probabilities", (z, _, p) => e.crossEntropy(z, e.softmax(p, { axis: 1 }))],
  ] as readonly (readonly [string, (z: Tensor, y: Tensor, p: Tensor) => Tensor])[]
).map(([name, loss]) => ({
  ...program(`crossEntropy of rank 6, ${name}`, manyAxes, (z, y, p) => loss(z!, y!, p!), 8),
  // Targets have no part in the gradient.
  differentiable: [0],
}));

const linearLosses: readonly Call[] = [
  ["in one go", 8, {}],
  ["three classes at a time, smoothed", 3, { labelSmoothing: 0.1, ignoreIndex: 2 }],
].map(([name, chunkSize, options]) => ({
  ...program(
    `linearCrossEntropy ${name as string}`,
    (n, d) => [d.real([n, 3]), d.real([8, 3]), d.integers([n], 0, 7), d.real([8]), d.positive([8])],
    (x, w, target, linearBias, weight) =>
      e.linearCrossEntropy(x!, w!, target!, {
        linearBias: linearBias!,
        weight: weight!,
        chunkSize: chunkSize as number,
        ...(options as object),
      }),
    64,
  ),
  composed: true,
  // Weights of classes have no part in the gradient.
  differentiable: [0, 1, 3],
}));
const ofShares: Call = {
  ...program(
    "linearCrossEntropy of class probabilities, several losses a sample",
    (n, d) => [d.real([n, 3]), d.real([5, 2, 3]), d.real([n, 5, 2])],
    (x, w, target) => e.linearCrossEntropy(x!, w!, e.softmax(target!, { axis: 1 }), { chunkSize: 2 }),
    64,
  ),
  composed: true,
  differentiable: [0, 1],
};

export const programs: readonly Call[] = [
  ...linearLosses,
  ofShares,
  ...elementwisePrograms,
  ...reductionPrograms,
  ...movementPrograms,
  ...indexedPrograms,
  ...creationPrograms,
  ...productPrograms,
  ...overManyAxes,
  ...layerPrograms,
  ...loopPrograms,
];
