/** Conformance of backends: golden values, and the laws. */
export { goldenKinds, runGolden, type Outcome, type RunGoldenOptions } from "./golden/run.js";
export type { Difference } from "./golden/comparison.js";
export type { GoldenKind, Mode } from "./golden/kind.js";
export type { GoldenCase, GoldenFile, GoldenTensor } from "./golden/schema.js";
export { laws, runLaws, testBackend, type LawOutcome, type RunLawsOptions } from "./laws/run.js";
export type { TestRunner } from "./laws/runner.js";
export {
  testArguments,
  testPackageArguments,
  type ArgumentSpec,
  type ArgumentTable,
  type CallSpec,
  type PackageManifest,
  type Thing,
} from "./laws/arguments.js";
export type { Law, Trial } from "./laws/law.js";
export { run as runCall, type Call } from "./laws/call.js";
export { callsOf, ownDefinitions, type Definitions } from "./laws/definitions.js";
export { draw } from "./laws/draw.js";
export {
  accuracyRows,
  measureAccuracy,
  type Accuracy,
  type AccuracyError,
  type AccuracyRow,
  type MeasureAccuracyOptions,
} from "./accuracy/measure.js";
export {
  accuracyFaults,
  accuracyTable,
  listed as listedError,
  meetsGoal,
  reasonFor,
  type AccuracyReason,
  type AccuracyTable,
} from "./accuracy/table.js";
export { generate as generateProgram } from "./fuzz/generate.js";
export type { FuzzTarget } from "./fuzz/judge.js";
export { plantedFaults, type PlantedFault } from "./fuzz/planted.js";
export { printProgram } from "./fuzz/print.js";
export type { Program } from "./fuzz/program.js";
export { fuzz, type FuzzDifference, type FuzzOptions, type FuzzReport } from "./fuzz/run.js";
export { testPrograms, type TestProgramsOptions } from "./fuzz/tests.js";
