import { describe, expect, expectTypeOf, it, vi } from "vitest";
import {
  abs,
  add,
  clamp,
  mish,
  mul,
  softplus,
  square,
  stopGradient,
  sub,
  tanh,
  tensor,
  withBackend,
  type Activation,
  type Backend,
  type Loss,
  type Tensor,
} from "@ermine/core";
import { type Kernel, Trace } from "@ermine/core/backend";
import { defineActivation, defineLoss } from "@ermine/core/define";
import { activationModule, lossModule } from "@ermine/core/nn";
import { reference } from "@ermine/core/reference";
import { ownDefinitions, runLaws, type Definitions } from "../src/index.js";
import { evaluate, outputsOf, type Call } from "../src/laws/call.js";
import { callsOf, exportedOps } from "../src/laws/definitions.js";
import { draw } from "../src/laws/draw.js";

// Every law over a definition takes seconds, and minutes next to the suites of other packages.
vi.setConfig({ testTimeout: 240_000 });

const only = (definitions: Partial<Definitions>): Definitions => ({ activations: [], losses: [], calls: [], ...definitions });
const broken = async (definitions: Partial<Definitions>, backend: Backend = reference()) =>
  (await runLaws({ backend, definitions: only(definitions) })).filter(({ error }) => error !== undefined);
const laws = async (...args: Parameters<typeof broken>) => [...new Set((await broken(...args)).map(({ law }) => law))];

describe("a definition that says nothing but its meaning", () => {
  const again = defineActivation({ name: "mishAgain", decompose: (x) => mul(x, tanh(softplus(x))) });
  const halfSquare = defineLoss({
    name: "halfSquare",
    link: "identity",
    inputs: [{ name: "prediction" }, { name: "target" }],
    elements: ([prediction, target]: readonly [Tensor, Tensor]) => ({ value: mul(square(sub(prediction, target)), 0.5) }),
  });

  it("is under every law: it trains, compiled and eagerly, has its gradient, and leaks nothing", async () => {
    const outcomes = await runLaws({
      backend: reference({ precision: "float32", dtypes: ["float32"], late: true }),
      definitions: only({ activations: [again as unknown as Activation], losses: [halfSquare as unknown as Loss] }),
    });
    expect(outcomes.filter(({ error }) => error !== undefined)).toEqual([]);
    expect(new Set(outcomes.map(({ law }) => law))).toEqual(
      new Set([
        "backend = reference",
        "edges = the reference's",
        "every dtype of every input: the reference's numbers, or its refusal",
        "special values = the reference's",
        "kernel = decomposition, backward kernel = gradient",
        "compiled = eager",
        "gradient = finite difference",
        "gradient of the gradient",
        "a network trains, compiled as eagerly",
        "nothing leaks",
        "nothing that is not finite is committed",
        "a parameter without a gradient stays as it is",
        "one tensor in two places is one, a variable reads as written",
        "rows of a storage are fed as if they had been written",
        "programs share their variables",
        "a definition is itself, whatever its name",
        "batches of 0 and 1 leave what is kept finite or untouched",
        "a refused call leaves no trace",
        "steps in flight are those of one at a time",
        "one thing at a time on a trainer",
        "first programs",
      ]),
    );
  });

  it("gives the numbers of the one with a gradient of its own, has a type and a module", () => {
    withBackend(reference(), () => {
      const x = tensor([-2, 0, 3]);
      expect(again(x).toArray()).toEqual(mish(x).toArray());
      const layer = new (activationModule(again))();
      expect(layer.forward(x).toArray()).toEqual(mish(x).toArray());
      expect(layer.describe()).toBe("mishAgain");
      expect(new (lossModule(halfSquare))({ reduction: "sum" }).forward(x, tensor([0, 0, 1])).item()).toBe(4);
      expectTypeOf(again(x)).toEqualTypeOf<Tensor<"real">>();
      // @ts-expect-error It has no options.
      expect(() => again(x, { beta: 2 })).toThrow(/has no option "beta"/);
    });
  });
});

describe("a law is broken by", () => {
  const x2 = { name: "twice", decompose: (x: Tensor) => add(x, x) };

  it("a gradient that is not the slope", async () => {
    const wrong = defineActivation({ ...x2, gradient: (g) => mul(g, 3) });
    expect(await laws({ activations: [wrong as unknown as Activation] })).toEqual(["gradient = finite difference"]);
  });

  it("a gradient that is the slope, and that stops the next one", async () => {
    const parabola = { name: "parabola", decompose: (x: Tensor) => mul(x, x) };
    const wrong = defineActivation({ ...parabola, gradient: (g, x) => mul(g, mul(stopGradient(x), 2)) });
    expect(await laws({ activations: [wrong as unknown as Activation] })).toEqual(["gradient of the gradient"]);
  });

  it("an option without a witness, or with one that changes nothing", async () => {
    const options = { lambda: 1 };
    const silent = defineActivation({ ...x2, options });
    const idle = defineActivation({ ...x2, options, optionExamples: { lambda: 2 } });
    for (const activation of [silent, idle]) {
      expect(await laws({ activations: [activation as unknown as Activation] })).toEqual(["each option changes the result"]);
    }
  });

  it("probabilities that do not sum to 1, and that see a shift", async () => {
    const wrong = defineActivation({
      name: "notSoftmax",
      options: { axis: -1 },
      output: "probabilities" as const,
      decompose: (x) => clamp(abs(x), 0, 1),
    });
    expect(await laws({ activations: [wrong as unknown as Activation] })).toContain(
      "probabilities sum to 1, and are shift invariant",
    );
  });

  const changed = (name: string, change: (kernel: Kernel) => Kernel): Backend => {
    const backend = reference();
    return { ...backend, kernels: { ...backend.kernels, [name]: change(backend.kernels[name]!) } };
  };
  const calls = ownDefinitions().calls.filter(({ name }) => name === "exp");

  it("a kernel that is wrong", async () => {
    const wrong = changed("exp", (kernel) => (inputs, attributes, outputs) => {
      const storages = kernel(inputs, attributes, outputs) as readonly { data: Float64Array }[];
      // The last number of more than three: an edge of vector code.
      if (storages[0]!.data.length > 3) storages[0]!.data[storages[0]!.data.length - 1]! *= 1.001;
      return storages;
    });
    const failures = await broken({ calls }, wrong);
    expect(failures.map(({ law }) => law)).toEqual([
      "backend = reference",
      "special values = the reference's",
      "gradient of the gradient",
    ]);
    expect((failures[0]!.error!.cause as Error).message).toMatch(/^at size 4: output 0\[3\] of 4 is/);
  });

  it("a kernel that is wrong far out", async () => {
    const wrong = changed("exp", (kernel) => (inputs, attributes, outputs) => {
      const storages = kernel(inputs, attributes, outputs) as readonly { data: Float64Array }[];
      storages[0]!.data.forEach((value, i, data) => value < 1e-40 && (data[i] = 1e-3));
      return storages;
    });
    expect(await laws({ calls }, wrong)).toEqual(["edges = the reference's", "special values = the reference's"]);
  });

  it("a kernel of a composed op that is not what the op means", async () => {
    const backend = reference();
    const doubled: Kernel = (inputs, attributes, outputs) => backend.kernels["add"]!([inputs[0], inputs[0]], attributes, outputs);
    const ops = new Map([...backend.capabilities.ops, ["relu", ["float32" as const]]]);
    const wrong = { ...backend, capabilities: { ...backend.capabilities, ops }, kernels: { ...backend.kernels, relu: doubled } };
    const activations = ownDefinitions().activations.filter(({ activationName }) => activationName === "relu");
    expect(await laws({ activations }, wrong)).toEqual([
      "backend = reference",
      "edges = the reference's",
      "every dtype of every input: the reference's numbers, or its refusal",
      "special values = the reference's",
      "kernel = decomposition, backward kernel = gradient",
    ]);
  });

  it("a kernel that keeps what it made", async () => {
    const storages: object[] = [];
    const leaking = changed("exp", (kernel) => (inputs, attributes, outputs) => {
      storages.push(kernel(inputs, attributes, outputs)[0]!);
      return kernel(inputs, attributes, outputs);
    });
    expect(await laws({ calls }, leaking)).toEqual(["nothing leaks"]);
  });
});

const typeOf = ({ shape, dtype, domain }: Tensor) => ({ shape, dtype, domain });

it("every op that core exports is under the laws", () => {
  const reached = new Set<string>();
  const trace = (call: Call, run: (...inputs: Tensor[]) => readonly Tensor[]): void => {
    const running = new Trace();
    running.run(() => {
      const outputs = run(...call.inputs(3, draw(1)).map((t, i) => running.feed(`input${i}`, typeOf(t))));
      for (const node of running.finish(outputs).nodes) if (node.kind === "op") reached.add(node.op.name);
    });
  };
  for (const call of callsOf(ownDefinitions())) {
    trace(call, (...inputs) => outputsOf(call, inputs));
    trace(call, (...inputs) => evaluate(call, ...inputs).gradients);
  }
  const missing = exportedOps().flatMap(({ name }) => (reached.has(name) ? [] : [name]));
  expect(missing, "say a program that calls them in a family of src/laws/programs.ts").toEqual([]);
});

it("every op with indices is met by a call that says which inputs they are", () => {
  const met = new Set<string>();
  for (const call of callsOf(ownDefinitions()).filter(({ indices }) => indices !== undefined)) {
    const running = new Trace();
    running.run(() => {
      const outputs = outputsOf(call, call.inputs(3, draw(1)));
      for (const node of running.finish(outputs).nodes) if (node.kind === "op") met.add(node.op.name);
    });
  }
  expect(exportedOps().flatMap(({ name, lookup }) => (lookup === undefined || met.has(name) ? [] : [name]))).toEqual([]);
});
