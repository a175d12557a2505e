import * as core from "@ermine/core";
import { tanhActivation, apply1 } from "@ermine/core/define";
import type { Tensor } from "@ermine/core";
import { allFiniteOp } from "@ermine/trainer";
import { expect, it } from "vitest";
import { agrees, backend, numbers, whole } from "./agreement.js";
import { describeNative } from "./native.js";

describeNative("fused kernels agree with core's definitions", () => {
  it.each([1, 6])(
    "attention to a key that has all the weight leaves queries and keys no gradient at all: of %d keys",
    async (source) => {
      const near = (shape: readonly number[], seed: number, scale = 1): Tensor =>
        core.mul(core.tensor(numbers(shape, seed, 0.9, 1.1).data, { shape }), scale);
      const fn = (q: Tensor, first: Tensor, rest: Tensor, v: Tensor): readonly Tensor[] => {
        const attended = (): Tensor => core.sum(core.square(core.scaledDotProductAttention(q, core.concat([first, rest], 2), v)));
        return core.valueAndGrad(attended, [q, first, rest]).grads as Tensor[];
      };
      const on = await backend();
      core.withBackend(on, () =>
        core.scope(() => {
          for (const call of [fn, core.compile(fn, { backend: on })]) {
            const others = near([2, 3, source - 1, 4], 3);
            for (const gradient of call(near([2, 3, 5, 4], 1), near([2, 3, 1, 4], 2, 100), others, near([2, 3, source, 7], 4)))
              for (const value of gradient.dataSync()) expect(Math.abs(value)).toBe(0);
          }
        }),
      );
    },
  );

  const activations = [
    core.relu,
    core.leakyRelu,
    core.sigmoid,
    tanhActivation,
    core.softmax,
    core.logSoftmax,
    core.silu,
    core.gelu,
    core.elu,
    core.selu,
    core.softplus,
    core.mish,
  ] as const;
  it.each(activations.map((fn) => [fn.activationName, fn] as const))("%s and its gradient", (_, activation) =>
    agrees((x) => slopes((y) => activation(y), x!), [numbers([5, 7], 3, -4, 4)], { tolerance: 5e-6 }),
  );
  it("leakyRelu takes its slope", () =>
    agrees((x) => slopes((y) => core.leakyRelu(y, { negativeSlope: 0.3 }), x!), [numbers([4, 3])]));
  it.each(["softmax", "logSoftmax"] as const)("%s over the first axis and a middle one", async (name) => {
    for (const axis of [0, 1])
      await agrees((x) => slopes((y) => core[name](y, { axis }), x!), [numbers([4, 3, 5])], { tolerance: 5e-6, symbolic: false });
  });

  const targets = whole([6], [0, 3, -100, 1, 2, 3]);
  const weight = numbers([4], 8, 0.5, 2);
  it.each([{}, { labelSmoothing: 0.2 }, { ignoreIndex: 3 }])("crossEntropy of indices with %j", (options) =>
    agrees(
      (z, t) => slopes((y) => core.crossEntropy(y, t!, options), z!),
      [numbers([6, 4]), options.ignoreIndex === 3 ? whole([6], [0, 3, 1, 1, 2, 3]) : targets],
      { tolerance: 5e-6 },
    ),
  );
  it.each([{}, { labelSmoothing: 0.2 }])("crossEntropy with class weights and %j", (options) =>
    agrees((z, t, w) => slopes((y) => core.crossEntropy(y, t!, { ...options, weight: w! }), z!), [numbers([6, 4]), targets], {
      fixed: [weight],
      tolerance: 5e-6,
    }),
  );
  it("crossEntropy over pixels", () =>
    agrees(
      (z, t) => slopes((y) => core.crossEntropy(y, t!), z!),
      [numbers([2, 4, 3, 2]), whole([2, 3, 2], [0, 1, 2, 3, 0, -100, 2, 2, 1, 1, 0, 3])],
      { tolerance: 5e-6 },
    ));
  it.each([{}, { labelSmoothing: 0.3 }])("crossEntropy of probabilities with %j", (options) =>
    agrees(
      (z, t, w) => slopes((y) => core.crossEntropy(y, core.softmax(t!), { ...options, weight: w! }), z!),
      [numbers([6, 4]), numbers([6, 4], 5)],
      { fixed: [weight], tolerance: 5e-6 },
    ),
  );
  it("crossEntropy where every target is ignored has no gradient", () =>
    agrees(
      (z, t) => slopes((y) => core.sum(core.crossEntropy(y, t!, { reduction: "none" })), z!),
      [numbers([2, 3]), whole([2], [-100, -100])],
    ));
  it("crossEntropy's mean where all but a row of NaN counts, and where nothing does", async () => {
    const mean = (z?: Tensor, t?: Tensor): readonly Tensor[] => slopes((y) => core.crossEntropy(y, t!), z!);
    const logits = numbers([3, 2]).data;
    await agrees(mean, [{ shape: [3, 2], data: [Number.NaN, ...logits.slice(1)] }, whole([3], [-100, 1, 0])]);
    await agrees(mean, [numbers([3, 2]), whole([3], [-100, -100, -100])]);
  });

  it.each([
    [[1, 2, 3, -3e38]],
    [[1, Number.NaN, 3, 4]],
    [[1, Infinity, 3, 4]],
    [[-Infinity, 2, 3, 4]],
    [[Infinity, -Infinity, 3, 4]],
    [[]],
  ])("allFinite of %j", (data) =>
    agrees((x) => apply1(allFiniteOp, [x!], {}), [{ shape: [data.length], data }], { symbolic: false }),
  );
});

/** fn's value and the gradient of the sum of its square. */
function slopes(fn: (x: Tensor) => Tensor, x: Tensor): readonly Tensor[] {
  const { value, grads } = core.valueAndGrad((): [Tensor, Tensor] => {
    const y = fn(x);
    return [core.sum(core.mul(y, y)), y];
  }, x);
  return [value[1], grads];
}
