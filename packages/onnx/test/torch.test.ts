/** Models of PyTorch's, exported by both of its exporters (scripts/torch_models.py): outputs, gradients and five steps of SGD are PyTorch's. */
import { readdirSync, readFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import { add, div, mul, scalar, sub, sum, tensor, Tensor, useBackend, valueAndGrad, type Parameter } from "@ermine/core";
import { reference } from "@ermine/core/reference";
import { loadModel, type ImportedModel } from "../src/index.js";

beforeAll(async () => {
  useBackend(await reference());
});

interface Plain {
  readonly shape: readonly number[];
  readonly dtype: "float32" | "int32";
  readonly data: readonly number[];
}
interface Case {
  readonly input: Plain;
  readonly outputs: readonly Plain[];
  readonly inputGradient: Plain | null;
  readonly gradients: Readonly<Record<string, Plain>>;
}
interface Record_ {
  readonly initial: Readonly<Record<string, Plain>>;
  readonly cases: readonly Case[];
  readonly trained: Readonly<Record<string, Plain>>;
}

const folder = new URL("../golden/torch/", import.meta.url);
const files = readdirSync(folder).filter((name) => name.endsWith(".onnx"));
const tensorOf = ({ shape, dtype, data }: Plain): Tensor => tensor(Float32Array.from(data), { shape, dtype });

/** |a − b| ≤ relative · |b| + absolute, each element. */
function expectClose(actual: Tensor, expected: Plain, [relative, absolute]: readonly [number, number], what: string): void {
  expect(actual.shape, what).toEqual(expected.shape);
  const data = actual.dataSync();
  expected.data.forEach((b, i) => {
    const a = data[i]!;
    if (!(Math.abs(a - b) <= relative * Math.abs(b) + absolute)) expect(a, `${what}, element ${i}`).toBeCloseTo(b, 6);
  });
}

/** In the file's order: names such as "12" come first among the keys of an object. */
function outputsOf(model: ImportedModel, x: Tensor): readonly Tensor[] {
  const result = model.forward(x);
  return result instanceof Tensor ? [result] : model.outputs().map(({ name }) => result[name]!);
}

/** As scripts/torch_models.py has it. */
const lossOf = (outputs: readonly Tensor[]): Tensor =>
  outputs
    .map((y) =>
      div(
        sum(
          mul(
            y,
            tensor(
              Float32Array.from({ length: y.size }, (_, i) => Math.sin(i + 1)),
              { shape: y.shape as number[] },
            ),
          ),
        ),
        y.size,
      ),
    )
    .reduce<Tensor>((a, b) => add(a, b), scalar(0));

/** Parameters that a file has as PyTorch has them: none that an exporter has folded into a neighbour. */
function common(model: ImportedModel, { initial }: Record_): readonly (readonly [string, Parameter])[] {
  return model.namedParameters().filter(([name, parameter]) => {
    const exported = initial[name];
    if (exported?.shape.join() !== parameter.shape.join()) return false;
    const data = parameter.value.dataSync();
    return exported.data.every((value, i) => Math.abs(value - data[i]!) <= 1e-5);
  });
}

describe("exported by PyTorch", () => {
  for (const file of files) {
    const record = JSON.parse(readFileSync(new URL(`${file.split(".")[0]}.json`, folder), "utf8")) as Record_;
    // What has one element is no parameter unless that is asked for.
    const isTrained = (name: string): boolean => Object.hasOwn(record.initial, name);
    const load = (): ImportedModel => loadModel(readFileSync(new URL(file, folder)), { trainable: isTrained }).eval();

    test(`${file}: outputs and gradients`, () => {
      const model = load();
      const parameters = common(model, record);
      for (const { input, outputs, inputGradient, gradients } of record.cases) {
        const x = tensorOf(input);
        outputsOf(model, x).forEach((y, i) => expectClose(y, outputs[i]!, [1e-3, 1e-5], `output ${i}`));
        const grads = valueAndGrad(
          () => lossOf(outputsOf(model, x)),
          parameters.map(([, p]) => p),
        ).grads as readonly Tensor[];
        parameters.forEach(([name], i) => expectClose(grads[i]!, gradients[name]!, [1e-3, 1e-6], `the gradient of ${name}`));
        if (inputGradient === null) continue;
        const [toInput] = valueAndGrad(() => lossOf(outputsOf(model, x)), [x]).grads as readonly Tensor[];
        expectClose(toInput!, inputGradient, [1e-3, 1e-6], "the input's gradient");
      }
    });

    if (file.includes("-folded")) continue;
    test(`${file}: five steps of SGD`, () => {
      const model = load();
      const parameters = common(model, record);
      expect(parameters.map(([name]) => name).sort()).toEqual(Object.keys(record.trained).sort());
      const x = tensorOf(record.cases[0]!.input);
      for (let step = 0; step < 5; step++) {
        const grads = valueAndGrad(
          () => lossOf(outputsOf(model, x)),
          parameters.map(([, p]) => p),
        ).grads as readonly Tensor[];
        parameters.forEach(([, p], i) => {
          p.value = sub(p.value, mul(grads[i]!, 0.1));
        });
      }
      for (const [name, parameter] of parameters) expectClose(parameter.value, record.trained[name]!, [1e-4, 1e-5], name);
    });
  }
});
