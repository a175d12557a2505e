import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { add, crossEntropy, keep, manualSeed, scope, tensor, withBackend, withRandom, zeros, type Backend } from "@ermine/core";
import type { Kernel } from "@ermine/core/backend";
import { Dropout, Linear, ReLU, Sequential } from "@ermine/core/nn";
import { cpu } from "@ermine/backend-cpu";
import { tfjs, tfjsPlugin } from "@ermine/backend-tfjs";
import { accuracy, adamw, Trainer, type FitOptions } from "@ermine/trainer";
import { loadDigits } from "../src/digits.js";
import { buildModel, inputShape, type ModelName } from "../src/models.js";

const { available } = await tfjsPlugin.probe();
function describeNative(name: string, fn: () => void): void {
  if (available) describe(name, fn);
  else it("not run (needs native TensorFlow: npx ermine-tfjs install)", () => {});
}

function digitsTrainer(backend: Backend) {
  manualSeed(0);
  const model = new Sequential(new Linear(784, 64), new ReLU(), new Dropout(0.25), new Linear(64, 10));
  return new Trainer({ model, loss: crossEntropy, optimizer: adamw({ learningRate: 0.002 }), backend, metrics: [accuracy()] });
}

/** As many updates of digits as one epoch of 500 batches has. */
async function shadowed(backend: Backend, shadow: NonNullable<FitOptions["shadow"]>) {
  const { training } = loadDigits([784], 0);
  const trainer = digitsTrainer(backend);
  const history = await trainer.fit(training, { epochs: 1, batchSize: 16, shadow, notice: () => {} });
  const { accuracy: reached } = await trainer.evaluate(training);
  trainer.dispose();
  return { report: history.shadow!, steps: history.steps.length, reached };
}

describeNative("cpu and tfjs side by side", () => {
  it("drop the same numbers: eagerly and in training", async () => {
    const drop = (backend: Backend): Promise<ArrayLike<number>> => {
      const dropped = withBackend(backend, () =>
        scope(() => {
          const counters = tensor([7, 0, 3], { dtype: "int32" });
          const x = add(zeros([50, 40]), 1);
          return keep(withRandom({ seed: 5, counters }, () => new Dropout(0.4).train().forward(x)));
        }),
      );
      return dropped.data().finally(() => dropped.dispose());
    };
    const [a, b] = [await drop(await cpu()), await drop(await tfjs())];
    expect(Array.from(b)).toEqual(Array.from(a));
    const dropped = Array.from(a).filter((value) => value === 0).length / a.length;
    expect(dropped).toBeGreaterThan(0.35);
    expect(dropped).toBeLessThan(0.45);
  });

  it("500 updates of digits with dropout, each on the other too: nothing to report", async () => {
    const { report, steps, reached } = await shadowed(await cpu(), { backend: await tfjs(), every: 25 });
    expect(steps).toBe(500);
    expect(report).toEqual({ backend: "tfjs", checked: 20, findings: [] });
    expect(reached).toBeGreaterThan(0.9);
    const other = await shadowed(await tfjs(), { backend: await cpu(), every: 100 });
    expect(other.report).toEqual({ backend: "cpu", checked: 5, findings: [] });
  }, 120_000);

  it("a kernel that was broken on purpose is found, with its layer", async () => {
    const right = await tfjs();
    const broken: Kernel = (inputs, attributes, outputs) => {
      const [good] = right.kernels["reluGradient"]!(inputs, attributes, outputs);
      const data = Float32Array.from(right.readSync!(good!), (value, i) => (i === 77 ? value + 0.01 : value));
      right.release(good!);
      return [right.upload(data, outputs[0]!.shape, "float32")];
    };
    const { compile: _, ...rest } = right;
    const backend: Backend = { ...rest, name: "broken", kernels: { ...right.kernels, reluGradient: broken } };
    const { report } = await shadowed(await cpu(), { backend, every: 250 });
    expect(report.checked).toBe(2);
    expect(report.findings[0]).toMatchObject({ step: 250, op: "reluGradient", layer: "1" });
    expect(report.findings[0]!.message).toMatch(/reluGradient of the layer 1 gives other numbers on broken than on cpu/);
  }, 120_000);

  it("the demo says what it trains on", async () => {
    const main = fileURLToPath(new URL("../dist/main.js", import.meta.url));
    const args = [main, "train", "--backend", "tfjs", "--epochs", "1", "--hidden", "16"];
    const { stdout, stderr } = await promisify(execFile)(process.execPath, args);
    expect(stdout).toMatch(/Backend: tfjs \(TensorFlow 2\.\d+\.\d+, CPU, compiled\)\./);
    expect(stderr).toBe("");
  }, 60_000);

  it.each<[ModelName, number]>([
    ["mlp", 2],
    ["cnn", 1],
  ])(
    "%s reaches on tfjs what it reaches on cpu",
    async (name, epochs) => {
      const { training, test } = loadDigits(inputShape(name), 0);
      const run = async (backend: Backend) => {
        const model = buildModel(name, { hidden: 64, activation: "relu", seed: 0 });
        const optimizer = adamw({ learningRate: 0.002 });
        const trainer = new Trainer({ model, loss: crossEntropy, optimizer, backend, metrics: [accuracy()], seed: 0 });
        const { steps } = await trainer.fit(training, { epochs, batchSize: 64 });
        const result = await trainer.evaluate(test);
        trainer.dispose();
        return { steps, ...result };
      };
      const [onCpu, onTensorFlow] = [await run(await cpu()), await run(await tfjs())];
      // Rounding grows from step to step: the losses are the same for a while, the accuracies to the end.
      onTensorFlow.steps
        .slice(0, 25)
        .forEach((loss, i) => expect(Math.abs(loss - onCpu.steps[i]!)).toBeLessThan(1e-4 + 1e-3 * loss));
      expect(onTensorFlow.accuracy).toBeGreaterThan(0.9);
      expect(Math.abs(onTensorFlow.accuracy - onCpu.accuracy)).toBeLessThan(0.01);
    },
    240_000,
  );
});
