/** ermine's native backend: TensorFlow through the application's own @tensorflow/tfjs-node. */
export { tfjs, tfjsPlugin, type TfjsBackend, type TfjsOptions } from "./backend.js";
export {
  fromLayersModel,
  fromTfjs,
  toLayersModel,
  toTfjs,
  type TfjsLayersModel,
  type TfjsModule,
  type TfjsTensor,
} from "./interop.js";
