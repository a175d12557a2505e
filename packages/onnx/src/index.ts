/** ONNX files: models written as them. */
export { saveModel } from "./save/saveModel.js";
export type { ResaveOptions, SaveOptions } from "./save/options.js";
export type { ElementType } from "./elements.js";
export { loadModel } from "./load/loadModel.js";
export type { LoadModelOptions } from "./load/importModel.js";
export { ImportedModel, type GivenInput, type ModelValue } from "./load/importedModel.js";
export { readTensorFile, type TensorFile } from "./load/tensorFile.js";
