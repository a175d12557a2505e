/** Convolutions in groups and batch normalization on TensorFlow's own kernels, drawn over their options: values and gradients of the reference. */
import * as core from "@ermine/core";
import type { Tensor } from "@ermine/core";
import { batchNormInferenceOp, batchNormOp } from "@ermine/core/backend";
import { apply } from "@ermine/core/define";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { agrees, backend, numbers } from "./agreement.js";

/** Σ sin(elements): each element of the result has a gradient of its own. */
const total = (...results: readonly Tensor[]): Tensor =>
  results.map((t) => core.sum(core.sin(t))).reduce((a, b) => core.add(a, b));

const withGradients =
  (fn: (...tensors: Tensor[]) => readonly Tensor[]) =>
  (...tensors: Tensor[]): readonly (Tensor | undefined)[] => [
    ...fn(...tensors),
    ...tensors.map((_, i) => core.grad((t: Tensor) => total(...fn(...tensors.map((x, j) => (i === j ? t : x)))))(tensors[i]!)),
  ];

describe("convolution in groups", () => {
  const axis = fc.record({
    size: fc.integer({ min: 1, max: 9 }),
    kernel: fc.integer({ min: 1, max: 4 }),
    padding: fc.integer({ min: 0, max: 3 }),
    stride: fc.integer({ min: 1, max: 3 }),
    dilation: fc.constantFrom(1, 1, 1, 2),
  });
  const drawn = fc
    .record({
      axes: fc.array(axis, { minLength: 1, maxLength: 2 }),
      sameStride: fc.boolean(),
      batch: fc.integer({ min: 1, max: 3 }),
      groups: fc.constantFrom(1, 2, 3, 4, 17),
      inEach: fc.constantFrom(1, 1, 2, 3),
      outEach: fc.integer({ min: 1, max: 3 }),
      biased: fc.boolean(),
    })
    .map(({ axes, sameStride, ...rest }) => ({
      ...rest,
      axes: sameStride ? axes.map((one) => ({ ...one, stride: axes[0]!.stride, dilation: 1 })) : axes,
    }))
    .filter(({ axes }) => axes.every((one) => one.size + 2 * one.padding >= one.dilation * (one.kernel - 1) + 1));

  it("agrees with the reference, eager and compiled, with gradients", { timeout: 300_000 }, async () => {
    await backend();
    await fc.assert(
      fc.asyncProperty(drawn, async ({ axes, batch, groups, inEach, outEach, biased }) => {
        const options = {
          groups,
          stride: axes.map((one) => one.stride),
          padding: axes.map((one) => one.padding),
          dilation: axes.map((one) => one.dilation),
        };
        const inputs = [numbers([batch, groups * inEach, ...axes.map((one) => one.size)], 1)];
        const fixed = [
          numbers([groups * outEach, inEach, ...axes.map((one) => one.kernel)], 2),
          ...(biased ? [numbers([groups * outEach], 3)] : []),
        ];
        await agrees(
          withGradients((x, weight, bias) => [core.convolution(x!, weight!, bias, options)]),
          inputs,
          { fixed, tolerance: 1e-4 },
        );
      }),
      { numRuns: 60 },
    );
  });
});

describe("batch normalization", () => {
  const drawn = fc.record({
    spatial: fc.array(fc.integer({ min: 1, max: 5 }), { maxLength: 4 }),
    batch: fc.integer({ min: 1, max: 4 }),
    channels: fc.integer({ min: 1, max: 5 }),
    weight: fc.boolean(),
    bias: fc.boolean(),
    eps: fc.constantFrom(1e-5, 1e-3, 0.5),
    statistics: fc.boolean(),
  });

  it(
    "agrees with the reference in any rank, eager and compiled, with the gradients of its statistics",
    { timeout: 300_000 },
    async () => {
      await backend();
      await fc.assert(
        fc.asyncProperty(drawn, async ({ spatial, batch, channels, weight, bias, eps, statistics }) => {
          // One element has the variance 0, whose root multiplies every rounding by 1 / √eps.
          fc.pre(batch * spatial.reduce((a, b) => a * b, 1) > 1);
          const parameters = [...(weight ? [numbers([channels], 2, 0.5, 2)] : []), ...(bias ? [numbers([channels], 3)] : [])];
          const fn = (x?: Tensor, ...rest: Tensor[]): readonly Tensor[] => {
            const given = [weight ? rest[0] : undefined, bias ? rest[weight ? 1 : 0] : undefined];
            const outputs = apply(batchNormOp, [x!, ...given], { eps });
            return statistics ? outputs : [outputs[0]!];
          };
          await agrees(withGradients(fn), [numbers([batch, channels, ...spatial], 1)], { fixed: parameters, tolerance: 1e-3 });
          await agrees(
            (x, mean, variance, ...rest) => apply(batchNormInferenceOp, [x!, mean!, variance!, ...rest.slice(0, 1)], { eps }),
            [numbers([batch, channels, ...spatial], 1)],
            { fixed: [numbers([channels], 4), numbers([channels], 5, 0.1, 2), ...parameters], tolerance: 1e-5 },
          );
        }),
        { numRuns: 40 },
      );
    },
  );

  it("takes TensorFlow's kernel", async () => {
    const tf = await backend();
    expect([...tf.capabilities.ops.keys()]).toEqual(
      expect.arrayContaining(["batchNorm", "batchNormGradient", "batchNormInference"]),
    );
  });
});
