/** Calls whose results are known. */
import type { DType, ErmineErrorCode, Tensor } from "@ermine/core";

/** A call and what it gives. */
export interface KnownCall {
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
  /** Only where the backend has int32. Default false: int32 may be held as another dtype. */
  readonly requiresInt32?: boolean;
  /** By how much an element may differ, next to the 10⁻⁵ of its own size. Default 1e-6. */
  readonly absolute?: number;
}
