/** ermine's trainer: minimizes the empirical risk of a model over a finite training set. */
export { Trainer } from "./trainer.js";
export type { OutputKey, Prediction, PredictionOf, Predictions, PredictOptions, Reading } from "./loop/predict.js";
export type { FitOptions, History } from "./loop/fitOptions.js";
export type { EvaluateOptions, PlanOptions, ProfileOptions, TrainerOptions, Weights } from "./options.js";
export type { BackendChoice, CandidateReport } from "./plan/choice.js";
export type { BackendRequest } from "./plan/request.js";
export { backendTable } from "./plan/table.js";
export type { Configuration } from "./plan/configuration.js";
export type { Arrangement, LackedOp, MemoryEstimate, Plan } from "./plan/plan.js";
export type { PrefetchStats } from "./data/prefetch.js";
export {
  stream,
  type RowSource,
  type Sample,
  type ShapedRow,
  type StreamItem,
  type StreamOptions,
  type StreamPass,
  type StreamSource,
} from "./data/stream.js";
export { ShuffleBuffer } from "./data/shuffleBuffer.js";
export type { LayerTime, OpTime, Profile } from "./plan/profile.js";
export type { ShadowFinding, ShadowOptions, ShadowReport } from "./plan/shadowReport.js";
export { dataset, Dataset, split, type Column, type ColumnSource, type NestedRow, type ShapedArray } from "./data/dataset.js";
export type * from "./data/source.js";
export type {
  CallbackState,
  EpochSums,
  HostState,
  ParameterAge,
  SavedState,
  SnapshotSettings,
  SnapshotSource,
  Step,
  StepReport,
  TrainingSnapshot,
  TrainingState,
  VariableState,
  Verdict,
} from "./step/contract.js";
export { batchFeeds } from "./data/batches.js";
export { elasticNet, l1Penalty, l2Penalty, type Regularizer, type RegularizerOptions } from "./risk/regularizers.js";
export type { AnyLoss, BatchTensors, CustomLoss, CustomPart, DefinedLoss } from "./risk/objective.js";
export { weightedSum, type LossPart, type WeightedSum } from "./risk/weightedSum.js";
export * from "./optimizers/index.js";
export * as schedules from "./schedules/index.js";
export type { EpochLogs, ToldLogs } from "./logs.js";
export type { Better, Directions, Mode } from "./monitor.js";
export type { CycledSchedule, Rate, Schedule } from "./schedules/index.js";
export * from "./metrics/index.js";
export * from "./callbacks/index.js";
export { allFiniteOp } from "./step/commitCondition.js";
