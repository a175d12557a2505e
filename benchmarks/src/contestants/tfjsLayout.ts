/** PyTorch's order of axes and TensorFlow's: images and signals have their channels last there. */
import type { ParameterSpec } from "../model.js";

/** How a parameter becomes TensorFlow's: first this shape, then its axes in this order, then that shape. */
export interface Rearrangement {
  readonly from: readonly number[];
  readonly order: readonly number[];
  readonly to: readonly number[];
}

/** Matrices become [in, out], convolutions [1 or H, W, in, out], depthwise ones [1 or H, W, in, out / in]. */
export function rearrangement({ shape, role }: ParameterSpec): Rearrangement | undefined {
  if (role.kind === "plain") return undefined;
  if (role.kind === "matrix") {
    const [out, features] = shape as [number, number];
    if (role.features === undefined) return { from: shape, order: [1, 0], to: [features, out] };
    const axes = role.features.map((_, i) => i + 1);
    return { from: [out, ...role.features], order: [...axes.slice(1), 1, 0], to: [features, out] };
  }
  const [a, b, ...kernel] = shape as [number, number, ...number[]];
  const window = kernel.length === 1 ? [1, kernel[0]!] : kernel;
  const depthwise = role.kind === "convolution" && role.groups > 1;
  if (!depthwise) return { from: [a, b, ...window], order: [2, 3, 1, 0], to: [...window, b, a] };
  return { from: [role.groups, a / role.groups, ...window], order: [2, 3, 0, 1], to: [...window, role.groups, a / role.groups] };
}

/** The padding of each side that TensorFlow's "same" takes. */
export function samePadding(size: number, { kernel, stride, dilation }: Record<"kernel" | "stride" | "dilation", number>) {
  const total = Math.max((Math.ceil(size / stride) - 1) * stride + dilation * (kernel - 1) + 1 - size, 0);
  return [Math.floor(total / 2), Math.ceil(total / 2)] as const;
}
