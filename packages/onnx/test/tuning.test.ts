/** A model of others gets a new head and is fine-tuned; and elements that stand in files next to the model's. */
import { linkSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  crossEntropy,
  ErmineError,
  manualSeed,
  mul,
  normal,
  ones,
  sub,
  tensor,
  useBackend,
  valueAndGrad,
  type Tensor,
} from "@ermine/core";
import { Linear, Module } from "@ermine/core/nn";
import { reference } from "@ermine/core/reference";
import { loadModel, saveModel, type ImportedModel } from "../src/index.js";
import { loadModelFile } from "../src/node.js";
import { fileOf, floats, node, value } from "./graphs.js";
import { difference, run } from "./support.js";

const folder = mkdtempSync(join(tmpdir(), "ermine-onnx-"));
beforeAll(async () => {
  useBackend(await reference());
  manualSeed(6);
});
afterAll(() => rmSync(folder, { recursive: true }));

const resnet = (): ImportedModel => loadModel(readFileSync(new URL("../golden/torch/resnet.dynamo.onnx", import.meta.url)));

class Tuned extends Module {
  readonly backbone: ImportedModel;
  head = new Linear(6, 2);
  constructor(backbone: ImportedModel) {
    super();
    this.backbone = backbone;
  }
  forward(x: Tensor): Tensor {
    return this.head.forward(this.backbone.forward(x) as Tensor);
  }
}

describe("a new head", () => {
  test("on what the old one was given, by a parameter's beginning, its name, or the node's", () => {
    const model = resnet().eval();
    const x = normal([3, 1, 8, 8]);
    const byPrefix = model.outputBefore("head");
    const features = byPrefix.forward(x) as Tensor;
    expect(features.shape).toEqual([3, 6]);
    const [weight, bias] = ["head.weight", "head.bias"].map((name) => new Map(model.namedParameters()).get(name)!.value) as [
      Tensor,
      Tensor,
    ];
    const whole = model.forward(x) as Tensor;
    const head = new Linear(6, 3);
    head.loadStateDict({ weight, bias } as never);
    expect(difference(head.forward(features).dataSync(), whole.dataSync())).toBeLessThan(1e-6);
    expect((model.outputBefore("head.weight").forward(x) as Tensor).toArray()).toEqual(features.toArray());
    expect((model.outputBefore(model.outputs()[0]!.name).forward(x) as Tensor).toArray()).toEqual(features.toArray());
    expect(byPrefix.namedParameters().map(([name]) => name)).not.toContain("head.weight");
    expect(() => model.outputBefore("haed")).toThrow(/no node, value or parameter is called "haed"\. Did you mean "head"\?/);
  });

  test("shares the model's parameters, is fine-tuned, and is a file again", async () => {
    const model = resnet();
    const tuned = new Tuned(model.outputBefore("head"));
    const x = normal([8, 1, 8, 8]);
    const y = tensor([0, 1, 0, 1, 0, 1, 0, 1], { dtype: "int32" });
    const parameters = tuned.parameters();
    const losses: number[] = [];
    for (let step = 0; step < 30; step++) {
      const { value: loss, grads } = valueAndGrad(() => crossEntropy(tuned.forward(x), y), parameters) as {
        value: Tensor;
        grads: Tensor[];
      };
      losses.push(loss.item());
      parameters.forEach((parameter, i) => {
        parameter.value = sub(parameter.value, mul(grads[i]!, 0.2));
      });
    }
    expect(losses.at(-1)!).toBeLessThan(0.6 * losses[0]!);
    const [own, shared] = [new Map(model.namedParameters()), new Map(tuned.backbone.namedParameters())];
    expect(shared.get("stem.weight")).toBe(own.get("stem.weight"));
    const bytes = await saveModel(tuned, { sample: x });
    const [result] = await run(bytes, [x]);
    expect(difference(result!.data as Float32Array, tuned.eval().forward(x).dataSync())).toBeLessThan(1e-5);
    // The part alone is a file too.
    const part = await saveModel(tuned.backbone);
    const [features] = await run(part, [x]);
    expect(difference(features!.data as Float32Array, (tuned.backbone.forward(x) as Tensor).dataSync())).toBeLessThan(1e-5);
    expect(loadModel(part).namedParameters()).toHaveLength(shared.size);
  });

  test("of a node that takes nothing computed there is nothing before", () => {
    const model = loadModel(
      fileOf({
        input: [value("x", "float32", [2])],
        output: [value("y", "float32")],
        initializer: [floats("w", [2], [1, 2])],
        node: [node("Neg", ["w"], ["n"], {}, { name: "negative" }), node("Add", ["x", "n"], ["y"])],
      }),
    );
    expect(() => model.outputBefore("negative")).toThrow(/Neg "negative" takes nothing that is computed/);
  });
});

describe("elements in files next to the model's", () => {
  const weights = new Uint8Array(Float32Array.of(1, 2, 3, 4).buffer);

  function modelWith(location: string, entries: Readonly<Record<string, string>> = {}, copies = 1): string {
    const names = Array.from({ length: copies }, (_, i) => `w${i}`);
    const bytes = fileOf({
      input: [value("x", "float32", [4])],
      output: [value("y", "float32")],
      initializer: names.map((name) => ({
        name,
        dims: [4n],
        dataType: 1,
        dataLocation: 1,
        externalData: Object.entries({ location, ...entries }).map(([key, entry]) => ({ key, value: entry })),
      })),
      node: names.map((name, i) => node("Mul", [i === 0 ? "x" : `h${i - 1}`, name], [i === copies - 1 ? "y" : `h${i}`])),
    });
    const path = join(folder, "model.onnx");
    writeFileSync(path, bytes);
    return path;
  }

  beforeAll(() => {
    mkdirSync(join(folder, "data"));
    writeFileSync(join(folder, "data", "weights.bin"), weights);
    writeFileSync(join(folder, "weights.bin"), weights);
    writeFileSync(join(folder, "linked.bin"), weights);
    linkSync(join(folder, "linked.bin"), join(folder, "hard.bin"));
    symlinkSync(join(folder, "weights.bin"), join(folder, "soft.bin"));
    symlinkSync(tmpdir(), join(folder, "elsewhere"));
  });

  test("are read, and are part of the file that is written", async () => {
    for (const location of ["weights.bin", "data/weights.bin", "./data/../weights.bin"]) {
      const model = await loadModelFile(modelWith(location));
      expect((model.forward(ones([4])) as Tensor).toArray()).toEqual([1, 2, 3, 4]);
      expect((loadModel(await saveModel(model)).forward(ones([4])) as Tensor).toArray()).toEqual([1, 2, 3, 4]);
    }
  });

  const refused: readonly (readonly [
    what: string,
    location: string,
    message: RegExp,
    entries?: Readonly<Record<string, string>>,
    copies?: number,
  ])[] = [
    ["above the folder", "../weights.bin", /outside of the model's folder/],
    ["an absolute path", "/etc/hostname", /outside of the model's folder/],
    ["the folder itself", ".", /outside of the model's folder/],
    ["no name", "", /outside of the model's folder/],
    ["a folder", "data", /is no file|cannot be read/],
    ["a symbolic link", "soft.bin", /reached by a symbolic link/],
    ["a folder that is a symbolic link", "elsewhere/x", /symbolic link|cannot be read/],
    ["a hard link", "hard.bin", /another name elsewhere/],
    ["a file that is not there", "none.bin", /"none.bin" cannot be read/],
    ["an end beyond the file's", "weights.bin", /bytes 4 … 20 of "weights.bin" are asked for, which has 16/, { offset: "4" }],
    ["a length that lies", "weights.bin", /takes 16 bytes, and its external data says 8/, { length: "8" }],
    ["an offset that is none", "weights.bin", /whole numbers, got "-1"/, { offset: "-1" }],
    ["the same bytes again and again", "weights.bin", /ask for more bytes of "weights.bin" than its 16/, {}, 3],
  ];
  for (const [what, location, message, entries, copies] of refused)
    test(`${what} is refused`, async () => {
      const attempt = loadModelFile(modelWith(location, entries, copies));
      await expect(attempt).rejects.toThrow(ErmineError);
      await expect(attempt).rejects.toThrow(message);
    });
});
