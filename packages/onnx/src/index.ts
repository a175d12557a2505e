/** ONNX files: models written as them. */
export { saveModel } from "./save/saveModel.js";
export type { SaveOptions } from "./save/options.js";
export type { ElementType } from "./elements.js";
