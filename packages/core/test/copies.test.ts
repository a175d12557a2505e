/** Several copies of core in one program: each works, and what one made is refused by the other where it is handed in. */
import { beforeAll, describe, expect, it, vi } from "vitest";

async function load() {
  vi.resetModules();
  const core = await import("../src/index.js");
  const define = await import("../src/entries/define.js");
  const backend = await import("../src/entries/backend.js");
  const nn = await import("../src/nn/index.js");
  const { reference } = await import("../src/reference/index.js");
  return { ...core, ...define, ...backend, nn, reference };
}
type Copy = Awaited<ReturnType<typeof load>>;

let here: Copy;
let other: Copy;
beforeAll(async () => {
  [here, other] = [await load(), await load()];
  for (const copy of [here, other]) copy.useBackend(copy.reference());
});

describe("two copies of core", () => {
  it("both work", () => {
    for (const copy of [here, other]) {
      const x = copy.tensor([1, 2]);
      expect(
        copy
          .grad((t: typeof x) => copy.sum(copy.mul(t, t)))(x)
          .toArray(),
      ).toEqual([2, 4]);
    }
    expect(here.Tensor).not.toBe(other.Tensor);
  });

  const tensorCases: readonly (readonly [string, (copy: Copy, t: never) => unknown])[] = [
    ["a unary op", (copy, t) => copy.exp(t)],
    ["a binary op, first", (copy, t) => copy.add(t, 1)],
    ["a binary op, second", (copy, t) => copy.add(1, t)],
    ["a binary op next to a tensor", (copy, t) => copy.mul(copy.tensor([1, 2]), t)],
    ["a comparison", (copy, t) => copy.less(t, 1)],
    ["where's mask", (copy, t) => copy.where(t, 1, copy.tensor([1, 2]))],
    ["a reduction", (copy, t) => copy.sum(t)],
    ["reshape", (copy, t) => copy.reshape(t, [2, 1])],
    ["concat", (copy, t) => copy.concat([copy.tensor([1]), t])],
    ["an activation", (copy, t) => copy.relu(t)],
    ["a loss's prediction", (copy, t) => copy.mse(t, copy.tensor([1, 2]))],
    ["a loss's target", (copy, t) => copy.mse(copy.tensor([1, 2]), t)],
    ["a loss's weights", (copy, t) => copy.mse(copy.tensor([1, 2]), copy.tensor([1, 2]), { sampleWeight: t })],
    ["tensor", (copy, t) => copy.tensor(t)],
    ["at", (copy, t) => copy.at(copy.tensor([1, 2]), t)],
    ["stopGradient", (copy, t) => copy.stopGradient(t)],
    ["withDomain", (copy, t) => copy.withDomain(t, "probabilities")],
    ["apply", (copy, t) => copy.apply(copy.expOp, [t], {})],
    ["valueAndGrad's sources", (copy, t) => copy.valueAndGrad(() => copy.tensor(1), [t])],
    ["valueAndGrad's result", (copy, t) => copy.valueAndGrad(() => t, [copy.tensor([1])])],
    ["jacobian", (copy, t) => copy.jacobian(() => t, copy.tensor([1]))],
    ["compile's arguments", (copy, t) => copy.compile((x: never) => x)(t)],
    ["compile's result", (copy, t) => copy.compile(() => ({ deep: [t] }))()],
    ["a compiled body", (copy, t) => copy.compile(() => copy.exp(t))()],
    ["a variable", (copy, t) => new copy.Variable(t)],
    ["a parameter", (copy, t) => new copy.Parameter(t)],
    ["a variable's value", (copy, t) => (new copy.Variable(copy.tensor([1, 2])).value = t)],
    ["a layer", (copy, t) => new copy.nn.Linear(2, 1).forward(copy.exp(t))],
  ];

  it.each(tensorCases)("a tensor in %s", (_, use) => {
    expect(() => use(here, here.tensor([0, 1]) as never)).not.toThrow(/another copy/);
    refused(() => use(here, other.tensor([0, 1]) as never), /Tensor/);
    refused(() => use(here, other.exp(other.tensor([0, 1])) as never), /Tensor/);
  });

  it("variables and modules in a model, which would be neither trained nor saved", () => {
    class Model extends here.nn.Module {
      readonly layers: object[];
      constructor(part: object) {
        super();
        this.layers = [part];
      }
      forward(x: never): unknown {
        return x;
      }
    }
    refused(() => new Model(new other.Parameter(other.ones([1]))).parameters(), /The model's "layers.0".*Variable/);
    refused(() => new Model(new other.nn.Linear(1, 1)).train(), /The model's "layers.0".*Module/);
    refused(() => new Model(new other.nn.Linear(1, 1)).forward(here.ones([1]) as never), /Module/);
    refused(() => new here.nn.Sequential(new other.nn.ReLU() as never), /Sequential.*Module/);
    refused(() => here.valueAndGrad(() => here.tensor(1), new other.Parameter(other.ones([1]))), /Variable/);
    refused(() => new other.nn.Linear(1, 1).forward(here.ones([1, 1]) as never), /linear: this Tensor/);
  });

  it("activations and losses where modules are made of them", () => {
    refused(() => here.nn.activationModule(other.mish as never), /activationModule: this activation/);
    refused(() => here.nn.lossModule(other.mse as never), /loss/);
  });

  it("backends", async () => {
    const backend = other.reference() as never;
    refused(() => here.useBackend(backend), /useBackend.*backend/);
    refused(() => here.withBackend(backend, () => 1), /withBackend/);
    refused(() => here.compile(() => here.tensor(1), { backend }), /compile/);
    here.registerBackend({
      name: "double",
      contract: 1,
      priority: 0,
      probe: async () => ({ available: true, engine: "" }),
      create: async () => backend,
    });
    await expect(here.createBackend("double")).rejects.toThrow(/createBackend.*another copy/s);
  });

  it("says versions and remedies", () => {
    expect(() => here.exp(other.tensor([1]) as never)).toThrow(
      "exp: this Tensor was made by another copy of @ermine/core (both are built from source)",
    );
    const message = caught(() => here.exp(other.tensor([1]) as never)).message;
    for (const remedy of ["npm ls @ermine/core", "npm dedupe", "external", "resetting modules"])
      expect(message).toContain(remedy);
  });

  it("says which version each has, where they differ", async () => {
    vi.stubGlobal("__ERMINE_VERSION__", "9.8.7");
    const backend = (await load()).reference();
    vi.unstubAllGlobals();
    expect(() => here.useBackend(backend as never)).toThrow(
      /another copy of @ermine\/core \(that one is 9\.8\.7, this one built from source\)/,
    );
  });

  const caught = (fn: () => unknown): Error & { code?: string } => {
    try {
      fn();
    } catch (error) {
      return error as Error;
    }
    throw new Error("It was accepted.");
  };

  const refused = (fn: () => unknown, kind: RegExp): void => {
    const error = caught(fn);
    expect(error.message).toMatch(/another copy of @ermine\/core/);
    expect(error.message).toMatch(kind);
    expect(error.code).toBe("ERMINE_USAGE");
  };
});
