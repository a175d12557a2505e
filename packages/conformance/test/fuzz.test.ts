import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import * as core from "@ermine/core";
import { ErmineError, type Backend, type Tensor } from "@ermine/core";
import { Trace } from "@ermine/core/backend";
import * as nn from "@ermine/core/nn";
import { reference } from "@ermine/core/reference";
import { fuzz, generateProgram, plantedFaults, printProgram, testPrograms } from "../src/index.js";
import { Builder, Refused } from "../src/fuzz/builder.js";
import { functionOfEntry, runProgram } from "../src/fuzz/evaluate.js";
import { forms } from "../src/fuzz/forms/index.js";
import { stepsOf, type Leaf, type Program } from "../src/fuzz/program.js";
import { Random } from "../src/fuzz/random.js";
import { exportedOps } from "../src/laws/definitions.js";

vi.setConfig({ testTimeout: 120_000 });

testPrograms(
  "the reference in float32",
  () => reference({ precision: "float32" }),
  { describe, it },
  { programs: 200, large: false },
);
testPrograms(
  "a backend that answers late",
  () => reference({ precision: "float32", late: true }),
  { describe, it },
  { programs: 200, seed: 10_000, large: false },
);

describe("a planted fault is found within 2000 programs:", () => {
  for (const { name, create } of plantedFaults) {
    it(name, async () => {
      const { differences } = await fuzz({
        targets: [{ label: name, backend: create() }],
        programs: 2000,
        tries: 200,
        large: false,
      });
      expect(differences).toHaveLength(1);
    });
  }

  it("and made as small as it still shows", async () => {
    const { create } = plantedFaults.find(({ name }) => name === "swapped axes of a reduction")!;
    const { differences } = await fuzz({ targets: [{ label: "swapped", backend: create() }], programs: 2000, large: false });
    const { program } = differences[0]!;
    expect(program.entries.flatMap((entry) => stepsOf(entry)).length).toBeLessThanOrEqual(2);
    expect(program.calls).toHaveLength(1);
  });
});

it("an error of some dozen units in the last place is found, and one of none is not", async () => {
  const off = (by: number): Backend => {
    const backend = reference({ precision: "float32" });
    const exp = backend.kernels["exp"]!;
    const wrong: typeof exp = (inputs, attributes, outputs) => {
      const storages = exp(inputs, attributes, outputs) as readonly { data: Float32Array }[];
      storages[0]!.data.forEach((value, i, data) => (data[i] = value * (1 + by)));
      return storages;
    };
    return { ...backend, kernels: { ...backend.kernels, exp: wrong } };
  };
  const differenceCount = async (by: number) =>
    (await fuzz({ targets: [{ label: "exp", backend: off(by) }], programs: 300, tries: 50 })).differences.length;
  expect(await differenceCount(5e-6)).toBe(1);
  expect(await differenceCount(0)).toBe(0);
});

it("the same seed is the same program", () => {
  expect(generateProgram(7)).toEqual(generateProgram(7));
  expect(generateProgram(7)).not.toEqual(generateProgram(8));
});

/** Functions that the grammar does not draw, and why. */
const notDrawn: Readonly<Record<string, string>> = {
  ...Object.fromEntries("allClose arrayEqual".split(" ").map((name) => [name, "gives a truth on the host"])),
  ...Object.fromEntries(
    "manualSeed uniform normal randint bernoulli permutation shuffledIndices gumbelSoftmax"
      .split(" ")
      .map((name) => [name, "random numbers of the host"]),
  ),
  fractionalMaxPool: "where a window begins is a floor, which float32 and float64 may take on both sides of a whole number",
  elementCount: "a number where sizes are known; its op is drawn by apply1",
  withRandom: "drawn as `random`",
  tensor: "inputs and constants are made with it",
  jacobian: "a loop of gradients",
  grad: "valueAndGrad without the value",
  valueAndRowGrads: "for the trainer: rows of a gradient in place of a tensor",
  swish: "silu under another name",
  mae: "l1 under another name",
  asProbabilities: "drawn where a loss takes probabilities",
  asLogProbabilities: "asProbabilities of the other domain",
};

/** Functions of core that compute no tensors. */
const isComputation = (value: unknown): value is (...args: never[]) => Tensor => typeof value === "function";
const machinery = [
  "backward compile cond constantInit createBackend currentBackend currentSeed defaultBias defaultWeight denseGradient",
  "dirac dispose eyeInit fans gainOf hashKey initialize initializerOf isRowGradient kaimingNormal kaimingUniform",
  "keep leaves mapTree measuredCount noGrad normalInit orthogonal philox probeBackends randomBits randomUniform24",
  "registerBackend registeredBackends scan scope tidy truncNormal uniformInit useBackend valueAndGrad withBackend",
  "withoutRankPromotion xavierNormal xavierUniform",
].flatMap((names) => names.split(" "));

it("every function of core's that computes tensors has a form in the grammar", () => {
  const drawn = new Set(forms.map(({ name }) => name));
  const without = Object.entries(core).flatMap(([name, value]) =>
    isComputation(value) &&
    name[0] === name[0]!.toLowerCase() &&
    !drawn.has(name) &&
    !(name in notDrawn) &&
    !machinery.includes(name)
      ? [name]
      : [],
  );
  expect(without, "add a form in src/fuzz/forms, or say in this test why there is none").toEqual([]);
});

it("every op that core exports is drawn, forward or backward", () => {
  const reached = new Set<string>();
  const trace = (program: Program): void => {
    const running = new Trace();
    const leaf = ([name, { shape, dtype }]: [string, { shape: readonly number[]; dtype: core.DType }]) =>
      running.feed(name, { shape, dtype, domain: "real" });
    const names = Object.keys(program.inputs);
    const variables = new Map(
      Object.entries(program.variables).map(([name, { shape, dtype }]) => [
        name,
        new core.Variable(core.zeros(shape, { dtype })),
      ]),
    );
    running.run(() => {
      for (const entry of program.entries) {
        const outputs = functionOfEntry(entry, names, variables)(...Object.entries(program.inputs).map(leaf));
        for (const node of running.finish(outputs).nodes) if (node.kind === "op") reached.add(node.op.name);
      }
    });
  };
  const ops = exportedOps().map(({ name }) => name);
  for (let seed = 1; seed <= 6000 && ops.some((name) => !reached.has(name)); seed++) {
    try {
      trace(generateProgram(seed));
    } catch (error) {
      if (!(error instanceof ErmineError)) throw error;
    }
  }
  expect(ops.filter((name) => !reached.has(name))).toEqual([]);
});

/** Programs of one layer each, by the layer's name: as many as there are kinds. */
function programsOfLayers(): ReadonlyMap<string, Program> {
  const drawers = forms.filter(({ name }) => name === "layer");
  const programs = new Map<string, Program>();
  for (let seed = 0; seed < 300; seed++) {
    for (const [i, drawer] of drawers.entries()) {
      const inputs = new Map<string, Leaf>();
      const variables = new Map<string, Leaf>();
      const b = new Builder(new Random(1000 * i + seed), new Trace(), { inputs, variables }, [1, 2, 3, 4, 5], false);
      try {
        drawer.draw(b);
      } catch (error) {
        if (error instanceof Refused) continue;
        throw error;
      }
      const step = b.steps.at(-1)!;
      const name = step.args[step.call === "drawn" ? 1 : 0] as string;
      const entry = { steps: b.steps, after: [], writes: [], outputs: [step.result] };
      const leaves = { inputs: Object.fromEntries(inputs), variables: Object.fromEntries(variables) };
      if (!programs.has(name)) programs.set(name, { ...leaves, entries: [entry], calls: [0] });
    }
  }
  return programs;
}

/** Layers that the grammar does not draw, and why. */
const layersNotDrawn: Readonly<Record<string, string>> = {
  ...Object.fromEntries("Sequential Residual LoRA".split(" ").map((name) => [name, "made of other layers"])),
  ...Object.fromEntries(
    "TransformerEncoder TransformerDecoder".split(" ").map((name) => [name, "a stack of layers that are drawn"]),
  ),
  ...Object.fromEntries("ModuleList ModuleDict ParameterList ParameterDict".split(" ").map((name) => [name, "computes nothing"])),
  ...Object.fromEntries("FractionalMaxPool2d FractionalMaxPool3d".split(" ").map((name) => [name, "its function is drawn"])),
  AdaptiveLogSoftmaxWithLoss: "gives two tensors",
  LinearCrossEntropyLoss: "its function is drawn",
  Transformer: "an encoder and a decoder, whose layers are drawn",
  LSTMCell: "gives two tensors",
  Unflatten: "a reshape",
};

it("every layer of core's is drawn", () => {
  const drawn = programsOfLayers();
  // Those that are made of a function have no name of their own: the function is drawn.
  const layers = Object.entries(nn).flatMap(([name, value]) =>
    typeof value === "function" && value.prototype instanceof nn.Module && value.name === name ? [name] : [],
  );
  expect(layers.filter((name) => !drawn.has(name) && !(name in layersNotDrawn))).toEqual([]);
});

it("a printed program is TypeScript that gives what the program gave", async () => {
  const folder = mkdtempSync(join(import.meta.dirname, "printed-"));
  const backend = reference();
  Object.assign(globalThis, { backend });
  const layers = programsOfLayers();
  const withParts = "Linear BatchNorm2d GRU MultiHeadAttention TransformerDecoderLayer Dropout".split(" ");
  const programs = [
    ...Array.from({ length: 24 }, (_, i) => generateProgram(i + 1)),
    ...withParts.map((name) => layers.get(name)!),
  ];
  const printed: unknown[][] = [];
  const log = vi.spyOn(console, "log").mockImplementation((...args: unknown[]) => void printed.push(args));
  try {
    for (const [i, program] of programs.entries()) {
      const mode = i % 2 === 1 ? "eager" : "compiled";
      const results = await runProgram(program, backend, mode);
      if (results instanceof ErmineError) continue;
      const file = join(folder, `program${i}.ts`);
      writeFileSync(
        file,
        printProgram(program, mode).replace("\n\n", '\ndeclare const backend: import("@ermine/core").Backend;\n\n'),
      );
      printed.length = 0;
      await import(/* @vite-ignore */ file);
      const numbers = (printed[0] as unknown[]).flat(Infinity).map(Number);
      expect(numbers, `program ${i}`).toEqual(results.flatMap(({ data }) => Array.from(data)));
    }
  } finally {
    log.mockRestore();
    rmSync(folder, { recursive: true });
  }
});
