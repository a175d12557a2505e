/** Are two tensors the same, nearly or exactly? These ask for numbers, so they are for eager code. */
import { checkArguments } from "../types/arguments.js";
import { checkOptions } from "../types/options.js";
import { broadcastShapes, sameShape } from "../types/dim.js";
import { checkTensor, heldElements, type Tensor } from "../types/tensor.js";
import { broadcastTo } from "./shape.js";
import { scope } from "../dispatch/scope.js";

/** The options of `allClose`. */
export interface ClosenessOptions {
  /** Default 1e-5. */
  readonly rtol?: number;
  /** Default 1e-8. */
  readonly atol?: number;
  /** Is NaN close to NaN? Default false. */
  readonly equalNan?: boolean;
}

/**
 * Is |a − b| ≤ atol + rtol · |b| everywhere? Shapes broadcast; equal infinities are close.
 *
 * @example
 * allClose(tensor([1, 2]), tensor([1, 2.000001])); // => true
 */
export function allClose(a: Tensor, b: Tensor, options: ClosenessOptions = {}): boolean {
  if (arguments.length > 3) checkArguments("allClose", arguments, 3);
  checkTensor("allClose", a);
  checkTensor("allClose", b);
  checkOptions("allClose", options, { rtol: "number", atol: "number", equalNan: "boolean" }, "a, b");
  const { rtol = 1e-5, atol = 1e-8, equalNan = false } = options;
  const shape = broadcastShapes("allClose", a.shape, b.shape);
  const [x, y] = scope(() => [heldElements(broadcastTo(a, shape)), heldElements(broadcastTo(b, shape))] as const);
  return x.every((value, i) => {
    const other = y[i]!;
    if (value === other || (equalNan && value !== value && other !== other)) return true;
    return Math.abs(value - other) <= atol + rtol * Math.abs(other) && Number.isFinite(other);
  });
}

/**
 * The same shape and the same numbers? NaN equals nothing.
 *
 * @example
 * arrayEqual(tensor([1, 2]), tensor([1, 3])); // => false
 */
export function arrayEqual(a: Tensor, b: Tensor): boolean {
  if (arguments.length > 2) checkArguments("arrayEqual", arguments, 2);
  checkTensor("arrayEqual", a);
  checkTensor("arrayEqual", b);
  if (!sameShape(a.shape, b.shape)) return false;
  const [x, y] = [heldElements(a), heldElements(b)];
  return x.every((value, i) => value === y[i]);
}
