/** Plain JavaScript numbers as operands: each becomes a tensor once for a backend, and one constant of a graph. */
import type { Backend } from "../ir/contract.js";
import { currentTrace } from "../dispatch/trace.js";
import type { DType } from "../types/dtype.js";
import { adopt, keep } from "../dispatch/scope.js";
import { wrapHost, type EagerState, type Tensor } from "../types/tensor.js";
import { backendOf } from "../dispatch/currentBackend.js";

/** How many values are kept for a backend; what comes after has an ordinary lifetime. */
const capacity = 256;

const traced = new Map<string, Tensor>();
const placed = new WeakMap<Backend, Map<string, Tensor>>();

/**
 * @internal The scalar `value`, for an op over `others`. Float numbers stay in double precision until a backend takes them:
 * the float64 reference then computes with 0.1 and not with its nearest float32.
 */
export function constant(value: number, dtype: DType, others: readonly Tensor[]): Tensor {
  let cache = traced;
  if (currentTrace() === undefined) {
    const backend = backendOf(others);
    cache = placed.get(backend) ?? new Map<string, Tensor>();
    placed.set(backend, cache);
  }
  const key = `${dtype}${Object.is(value, -0) ? "-0" : value}`;
  const cached = cache.get(key);
  if (cached !== undefined) return cached;
  const constant = wrapHost({ shape: [], dtype, domain: "real" }, scalarArray(value, dtype));
  if (cache.size >= capacity) return cache === traced ? constant : adopt(constant, 8);
  cache.set(key, constant);
  // It ends with its backend.
  (constant.state as EagerState).cached = true;
  return keep(constant);
}

function scalarArray(value: number, dtype: DType): Float64Array | Int32Array | Uint8Array {
  if (dtype === "float32") return Float64Array.of(value);
  return dtype === "int32" ? Int32Array.of(value) : Uint8Array.of(value === 0 ? 0 : 1);
}
