/** Gradients of windows and of what is made of them. */
import { apply, apply1 } from "../../ops/apply.js";
import { div } from "../../ops/arithmetic.js";
import { columnsOf, convolutionFlops, convolutionOp, weightMatrices, windowFor } from "../../ops/convolution.js";
import { zeros } from "../../ops/creation.js";
import { scatterAddOp } from "../../ops/gather.js";
import { fusedGradient, gradientOf } from "../../ops/gradient.js";
import { matmulOp } from "../../ops/matmul.js";
import { type avgPoolOp, dense, divisor, firstLargest, type maxPoolOp } from "../../ops/pooling.js";
import { sum } from "../../ops/reduction.js";
import { broadcastTo, reshape } from "../../ops/shape.js";
import { adjoint, type convolutionTransposeOp } from "../../ops/transposedConvolution.js";
import { foldOp, onlyWindow, unfoldOp } from "../../ops/window.js";
import { countElements, type Size } from "../../types/dim.js";
import type { Tensor } from "../../types/tensor.js";

const product = (sizes: readonly Size[]): number => (sizes as readonly number[]).reduce((a, b) => a * b, 1);
const spatialOf = (x: Tensor): readonly number[] => x.shape.slice(2) as readonly number[];

export const unfoldGradient = gradientOf<typeof unfoldOp>("unfold", ([g], [x], _, attributes) => [
  apply1(foldOp, [g], { ...onlyWindow(attributes), outputSize: x!.shape.slice(2) as readonly number[] }),
]);

export const foldGradient = gradientOf<typeof foldOp>("fold", ([g], _, __, attributes) => [
  apply1(unfoldOp, [g], { ...onlyWindow(attributes), padValue: 0 }),
]);

export const convolutionGradient = fusedGradient<typeof convolutionOp>(
  "convolution",
  ([g], [x, weight, bias], _, attributes, needed) => {
    const { groups } = attributes;
    const [batch, channels, ...spatial] = x!.shape;
    const [, out, ...counts] = g!.shape;
    const maps = reshape(g!, [batch!, groups, (out as number) / groups, product(counts)]);
    const toX = (): Tensor => {
      const columns = apply1(matmulOp, [weightMatrices(weight!, groups), maps], { transposeA: true, transposeB: false });
      const window = windowFor(weight!.shape, attributes);
      const unfolded = reshape(columns, [batch!, channels!, product(window.kernel), product(counts)]);
      return apply1(foldOp, [unfolded], { ...window, outputSize: spatial as readonly number[] });
    };
    const toWeight = (): Tensor => {
      const columns = columnsOf(x!, weight!, attributes);
      const each = apply1(matmulOp, [maps, columns], { transposeA: false, transposeB: true });
      return reshape(sum(each, { axis: 0 }), weight!.shape);
    };
    return [
      needed[0] ? toX() : undefined,
      needed[1] ? toWeight() : undefined,
      bias === undefined || !needed[2] ? undefined : sum(g!, { axis: [0, ...counts.map((__, i) => i + 2)] }),
    ];
    // The gradients of x and of the weight are as much as forward, each; that of the bias is a sum.
  },
  ([g, , weight], [toX, toWeight, toBias]) =>
    [toX, toWeight].filter((gradient) => gradient !== undefined).length * convolutionFlops(g!.shape, weight!.shape) +
    (toBias === undefined ? 0 : countElements(g!.shape)),
);

export const convolutionTransposeGradient = fusedGradient<typeof convolutionTransposeOp>(
  "convolutionTranspose",
  ([g], [x, weight, bias], _, attributes, needed) => {
    const window = adjoint(attributes);
    // x stands where the convolution's result would: its rule does not read it.
    const toWeight = (): Tensor =>
      apply(convolutionGradient.of(convolutionOp).gradientOp!, [x, g, weight, undefined, x], window)[1]!;
    return [
      needed[0] ? apply1(convolutionOp, [g, weight, undefined], window) : undefined,
      needed[1] ? toWeight() : undefined,
      bias === undefined || !needed[2] ? undefined : sum(g!, { axis: [0, ...attributes.outputSize.map((__, i) => i + 2)] }),
    ];
  },
);

/** The gradient goes to the first largest of each window, as PyTorch's. */
export const maxPoolGradient = fusedGradient<typeof maxPoolOp>("maxPool", ([g], [x], _, window) => {
  const first = firstLargest(x!, window);
  const shape = first.shape.map((size, axis) => (axis === 2 ? product(window.kernel) : size));
  const spread = apply1(scatterAddOp, [zeros(shape), first, reshape(g!, first.shape)], { axis: 2 });
  return [apply1(foldOp, [spread], { ...window, outputSize: spatialOf(x!) })];
});

export const avgPoolGradient = fusedGradient<typeof avgPoolOp>("avgPool", ([g], [x], _, attributes) => {
  const window = dense(attributes);
  const [batch, channels] = g!.shape;
  const positions = product(spatialOf(g!));
  const each = div(reshape(g!, [batch!, channels!, 1, positions]), divisor(x!, attributes));
  const columns = broadcastTo(each, [batch!, channels!, product(window.kernel), positions]);
  return [apply1(foldOp, [columns], { ...window, outputSize: spatialOf(x!) })];
});
