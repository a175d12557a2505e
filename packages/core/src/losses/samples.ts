/** Samples: inputs that a loss takes, as its definition says them, so that laws can be tried on any loss there is. */
import type { Tensor } from "../types/tensor.js";

/** Draws sample values: the caller decides which, the sample of which kind and shape. All are away from 0. */
export interface Draw {
  /** From −3 to 3. */
  real(shape: readonly number[]): Tensor<"real">;
  /** From 0.1 to 3. */
  positive(shape: readonly number[]): Tensor<"real">;
  /** From 0.02 to 0.98, each by itself. */
  probabilities(shape: readonly number[]): Tensor<"probabilities">;
  /** Log probabilities over the last axis. */
  logProbabilities(shape: readonly number[]): Tensor<"logProbabilities">;
  /** 0 or 1. */
  labels(shape: readonly number[]): Tensor<"real">;
  /** −1 or 1. */
  signs(shape: readonly number[]): Tensor<"real">;
  /** int32 from `low` to `high`, both included. */
  integers(shape: readonly number[], low: number, high: number): Tensor<"real">;
}

/** Inputs in call order, and the options that go with them. */
export interface Sample<I extends readonly Tensor[], O extends object> {
  /** The inputs, in call order. */
  readonly inputs: I;
  /** The options that go with them. Default: none. */
  readonly options?: Partial<O>;
}

/** Samples by name, each for a batch of n. */
export type Samples<I extends readonly Tensor[], O extends object> = Readonly<
  Record<string, (n: number, draw: Draw) => Sample<I, O>>
>;
