/** Predictions of trained models out of their files. */
export { loadPredictor, type LoadPredictorOptions, type PredictorSource } from "./loadPredictor.js";
export {
  Predictor,
  type GivenInputs,
  type GivenValues,
  type OutputPrediction,
  type Prediction,
  type Preprocessing,
  type RawRow,
} from "./predictor.js";
