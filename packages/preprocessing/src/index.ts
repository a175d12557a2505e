/** ermine's preprocessing: columns of a table, and images, as what a network takes, fitted on the training part alone. */
export {
  embeddingIds,
  oneHot,
  ordinal,
  TargetClasses,
  targetClasses,
  type CategoryOptions,
  type OrdinalOptions,
  type TargetClassesJson,
} from "./categories.js";
export type { Block, Cell, Cells } from "./cells.js";
export {
  columns,
  columnsFrom,
  FittedColumns,
  targetClassesFrom,
  type Columns,
  type ColumnsJson,
  type ColumnSteps,
  type Features,
  type NamedColumnSteps,
  type UnfittedColumns,
  type ValuesByName,
} from "./columns.js";
export { dates, type DatePart, type DatesOptions } from "./dates.js";
export {
  FittedImages,
  images,
  imagesFrom,
  type ImageBytes,
  type ImageFeatures,
  type ImagesJson,
  type ImagesOptions,
  type UnfittedImages,
} from "./images.js";
export type { ImagePixels } from "./imagePixels.js";
export { impute, type ImputeOptions } from "./impute.js";
export { missing } from "./missing.js";
export {
  TablePreprocessing,
  tablePreprocessing,
  tablePreprocessingFrom,
  type FittedTarget,
  type TablePreprocessingJson,
  type TablePreprocessingParts,
} from "./tablePreprocessing.js";
export { log, minMax, robust, standardize, type MinMaxOptions } from "./scale.js";
export type { FittedStep, Step, StepJson } from "./step.js";
export { textIds, textLength, type TextIdsOptions, type TextLengthOptions, type TextOptions } from "./text.js";
