/** Faults that were found in use, as tests of the right behaviour. */
import { compile, mse, mul, tensor, withBackend, type Tensor } from "@ermine/core";
import { apply1, defineActivation, defineOp } from "@ermine/core/define";
import { Linear, Sequential } from "@ermine/core/nn";
import { adam, adamw, dataset, defineOptimizer, sgd, Trainer, type CommonOptions } from "@ermine/trainer";
import { describe, expect, test } from "vitest";
import { expectRowsScaledToNorm } from "../../conformance/test/shared/maxNorm.js";
import { explained } from "../src/eager.js";
import { dataType } from "../src/native/binding.js";
import { loadNative } from "../src/native/load.js";
import { backend } from "./agreement.js";
import { describeNative } from "./native.js";

const x = () => tensor([-1, 0.5, 2]);
const value = async (fn: (t: Tensor) => Tensor, compiled: boolean): Promise<number[]> => {
  const tfjs = await backend();
  return withBackend(tfjs, () => Array.from((compiled ? compile(fn) : fn)(x()).dataSync()));
};

describeNative("definitions with taken names", () => {
  describe.each([false, true])("A5: a definition is itself whatever its name is (compiled: %s)", (compiled) => {
    const check = async (name: string): Promise<void> => {
      const hundredfold = defineActivation({ name, decompose: (t) => mul(t, 100) });
      expect(await value((t) => hundredfold(t), compiled)).toEqual([-100, 50, 200]);
    };
    test.each(["relu", "sigmoid", "tanh"])("an activation named %s", check);
    // TensorFlow's kernels have no such names.
    test.each(["mish", "gelu", "softplus", "hardSwish", "elu", "hundredfold"])("an activation named %s", check);
    test.each(["neg", "exp", "abs", "sqrt"])("an op named %s", async (name) => {
      const threefold = defineOp<Record<never, never>>({
        name,
        inputs: [{ name: "x" }],
        infer: ([t]) => [t!],
        decompose: ([t]) => [mul(t!, 3)],
      });
      expect(await value((t) => apply1(threefold, [t], {}), compiled)).toEqual([-3, 1.5, 6]);
    });
  });

  test.each([sgd(), sgd({ momentum: 0.9 }), adam(), adamw()])(
    "an optimizer named $name trains by its own step",
    async (model) => {
      // The slots, scalars and options of the built-in one, and a step that leaves the parameters as they are.
      const standingStill = defineOptimizer({
        name: model.name,
        defaults: model.options as unknown as CommonOptions,
        slots: (_, shape) => model.slots(shape),
        scalars: (_, { step }) => Object.fromEntries(Object.entries(model.scalars({ step, epoch: 0 }))),
        step: ({ p, slots }) => [p, ...slots],
      });
      const net = new Sequential(new Linear(2, 1));
      const before = await net.stateDict();
      const trainer = new Trainer({ model: net, loss: mse, optimizer: standingStill(), backend: await backend() });
      const inputs = { data: Float32Array.of(1, 2, 3, 4), shape: [2, 2] };
      try {
        await trainer.fit(dataset({ inputs, targets: { data: Float32Array.of(9, 9), shape: [2, 1] } }), { epochs: 1 });
        expect(await net.stateDict()).toEqual(before);
      } finally {
        trainer.dispose();
      }
    },
  );
});

describeNative("an embedding with maxNorm", () => {
  test("C2: rows that are looked up in two lookups are scaled down to the norm, to float32's last digits", async () => {
    expectRowsScaledToNorm(await backend());
  });
});

describeNative("what TensorFlow refuses", () => {
  test("C11: the error carries TensorFlow's reason", () => {
    const { binding } = loadNative();
    const [a, b] = [
      binding.createTensor([2, 3], dataType.float32, new Float32Array(6)),
      binding.createTensor([4, 5], dataType.float32, new Float32Array(20)),
    ];
    const attributes = ["transpose_a", "transpose_b"].map((name) => ({ name, type: binding.TF_ATTR_BOOL, value: false }));
    try {
      binding.executeOp(
        "MatMul",
        [...attributes, { name: "T", type: binding.TF_ATTR_TYPE, value: dataType.float32 }],
        [a!, b!],
        1,
      );
      expect.unreachable();
    } catch (error) {
      const { code, message, cause } = explained(error, "matmul");
      expect([code, cause]).toEqual(["ERMINE_BACKEND", error]);
      expect(message).toMatch(/^matmul: TensorFlow refused\.\n.*[Ss]ize-incompatible.*\[2,3\].*\[4,5\]/s);
    } finally {
      for (const id of [a!, b!]) binding.deleteTensor(id);
    }
  });
});
