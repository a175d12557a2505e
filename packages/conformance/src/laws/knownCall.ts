/** Calls whose results are known. */
import type { DType, ErmineErrorCode, Tensor } from "@ermine/core";

/** A call and what it gives. */
export interface Known {
  readonly name: string;
  /** On the host. */
  inputs(): readonly Tensor[];
  run(...inputs: readonly Tensor[]): Tensor | readonly Tensor[];
  /** The numbers of each output, or the code of the error that it throws. */
  readonly expected: readonly (readonly number[])[] | ErmineErrorCode;
  /** The gradients of the float32 inputs, of Σ outputs · weights as `evaluate` takes it; absent: not looked at. */
  readonly gradients?: readonly (readonly number[])[];
  /** The outputs' dtypes; absent: not looked at. */
  readonly dtypes?: readonly DType[];
}
