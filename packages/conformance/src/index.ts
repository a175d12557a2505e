/** What every backend of ermine must do: golden values, and the laws. */
export { goldenKinds, runGolden, type Outcome, type RunGoldenOptions } from "./golden/run.js";
export type { Difference } from "./golden/comparison.js";
export type { GoldenKind, Mode } from "./golden/kind.js";
export type { GoldenCase, GoldenFile, GoldenTensor } from "./golden/schema.js";
