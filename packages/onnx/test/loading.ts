/** Fixtures shared by the tests of loading. */
import type { Tensor } from "@ermine/core";
import { loadModel, type ImportedModel, type LoadModelOptions } from "../src/index.js";
import { fileOf, floats, node, value, type FileParts } from "./graphs.js";

export const model = (parts: FileParts, options?: LoadModelOptions): ImportedModel => loadModel(fileOf(parts), options);
export const one = (t: unknown): Tensor => t as Tensor;
export const x23 = value("x", "float32", ["N", 3]);

/** y = relu(x · w + b) */
export const dense: FileParts = {
  input: [x23],
  output: [value("y", "float32")],
  initializer: [floats("fc.weight", [3, 2], [1, 2, 3, 4, 5, 6]), floats("fc.bias", [2], [-40, 1])],
  node: [node("MatMul", ["x", "fc.weight"], ["h"]), node("Add", ["h", "fc.bias"], ["s"]), node("Relu", ["s"], ["y"])],
};
