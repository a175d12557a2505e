/**
 * `@ermine/onnx/operators`, for programs that predict and carry what their files need: a model out of its file by operators that the program names, without what saves and trains.
 * Functions of a file run their bodies.
 */
export { importModel, type ImportParts, type LoadModelOptions } from "./load/importModel.js";
export { allOperators } from "./load/operators/index.js";
export type { Entries } from "./load/operators/operator.js";
