import { describe, expect, it } from "vitest";
import { add, crossEntropy, manualSeed, mean, mul, stopGradient, sum, type Tensor, Variable, zeros } from "@ermine/core";
import { BatchNorm1d, Linear, Module, Parameter, Sequential } from "@ermine/core/nn";
import { reference } from "@ermine/core/reference";
import { adam, dataset, Trainer, type AnyLoss } from "../src/index.js";
import { refusal } from "./refusal.js";

const data = dataset({
  inputs: Array.from({ length: 8 }, (_, i) => [i / 4 - 1, Math.sin(i)]),
  targets: { data: Int32Array.from({ length: 8 }, (_, i) => Number(i > 3)), shape: [8] },
});

const make = (model: Module, compile = true, loss: AnyLoss<never> = crossEntropy) =>
  new Trainer({ model, loss, optimizer: adam({ learningRate: 0.1 }), backend: reference(), compile });

/** A model whose layers are kept in `keep`'s result and taken out of it again. */
function modelKeepingLayersIn<K>(keep: (layers: readonly Linear[]) => K, take: (container: K) => Iterable<Linear>): Module {
  return new (class Kept extends Module {
    readonly layers: K;
    constructor() {
      super();
      this.layers = keep([new Linear(2, 3), new Linear(3, 2)]);
    }
    forward(x: Tensor): Tensor {
      let y = x;
      for (const layer of take(this.layers)) y = layer.forward(y);
      return y;
    }
  })();
}

class Box {
  readonly layer: Linear;
  constructor(layer: Linear) {
    this.layer = layer;
  }
}

describe("layers are found, trained and saved", () => {
  const cases: readonly (readonly [string, Module, readonly string[]])[] = [
    [
      "in a Map",
      modelKeepingLayersIn(
        (l) => new Map(l.map((layer, i) => [`part${i}`, layer])),
        (map) => map.values(),
      ),
      ["part0", "part1"],
    ],
    [
      "in a Map by numbers",
      modelKeepingLayersIn(
        (l) => new Map(l.map((layer, i) => [i + 5, layer])),
        (map) => map.values(),
      ),
      ["5", "6"],
    ],
    [
      "in a Map by objects",
      modelKeepingLayersIn(
        (l) => new Map(l.map((layer) => [{}, layer])),
        (map) => map.values(),
      ),
      ["0", "1"],
    ],
    [
      "in a Set",
      modelKeepingLayersIn(
        (l) => new Set(l),
        (set) => set,
      ),
      ["0", "1"],
    ],
    [
      "in an array",
      modelKeepingLayersIn(
        (l) => l,
        (list) => list,
      ),
      ["0", "1"],
    ],
    [
      "in objects without a prototype",
      modelKeepingLayersIn(
        (l) => Object.assign(Object.create(null) as Record<string, Linear>, { a: l[0]!, b: l[1]! }),
        ({ a, b }) => [a!, b!],
      ),
      ["a", "b"],
    ],
    [
      "in Maps in arrays in objects, which meet again",
      modelKeepingLayersIn(
        (l) => {
          const container = {
            list: [new Map([["a", { layer: l[0]! }]]), new Set([l[1]!])] as const,
            again: undefined as unknown,
          };
          container.again = container;
          return container;
        },
        ({ list }) => [list[0].get("a")!.layer, ...list[1]],
      ),
      ["list.0.a.layer", "list.1.0"],
    ],
  ];
  it.each(cases)("%s", async (_, model, names) => {
    manualSeed(1);
    const before = await model.stateDict();
    expect(Object.keys(before)).toEqual(names.flatMap((name) => [`layers.${name}.weight`, `layers.${name}.bias`]));
    const trainer = make(model);
    await trainer.fit(data, { epochs: 2 });
    const after = await model.stateDict();
    for (const [name, { data: was }] of Object.entries(before)) expect(after[name]!.data).not.toEqual(was);
    model.loadStateDict(before);
    for (const [name, { data: now }] of Object.entries(await model.stateDict())) {
      expect(Array.from(now)).toEqual(Array.from(before[name]!.data));
    }
    expect(model.namedModules().map(([path]) => path)).toEqual(["", ...names.map((name) => `layers.${name}`)]);
    trainer.dispose();
  });

  it("two of one name are refused", () => {
    const model = modelKeepingLayersIn(
      (l) =>
        new Map<string | number, Linear>([
          [1, l[0]!],
          ["1", l[1]!],
        ]),
      (map) => map.values(),
    );
    expect(() => model.namedParameters()).toThrow(/two variables that would be called layers.1.weight/);
  });
});

describe.each([true, false])("what the model does not find is refused before the first step (compiled: %s)", (compile) => {
  class Hidden extends Module {
    readonly registered = new Linear(2, 2);
    readonly #layer = new Linear(2, 2);
    forward(x: Tensor): Tensor {
      return this.#layer.forward(this.registered.forward(x));
    }
  }
  class Raw extends Module {
    readonly registered = new Linear(2, 2);
    readonly #scale = new Parameter(zeros([2]));
    forward(x: Tensor): Tensor {
      return mul(this.registered.forward(x), this.#scale.value);
    }
  }
  class Getter extends Module {
    static readonly layer = new Linear(2, 2);
    readonly registered = new Linear(2, 2);
    get layer(): Linear {
      return Getter.layer;
    }
    forward(x: Tensor): Tensor {
      return this.layer.forward(this.registered.forward(x));
    }
  }
  class Late extends Module {
    readonly registered = new Linear(2, 2);
    layer: Linear | undefined;
    forward(x: Tensor): Tensor {
      this.layer ??= new Linear(2, 2);
      return this.layer.forward(this.registered.forward(x));
    }
  }
  class Statistics extends Module {
    readonly registered = new Linear(2, 2);
    readonly #norm = new BatchNorm1d(2, { affine: false });
    forward(x: Tensor): Tensor {
      return this.#norm.forward(this.registered.forward(x));
    }
  }
  const boxed = modelKeepingLayersIn(
    (l) => l.map((layer) => new Box(layer)),
    (boxes) => boxes.map(({ layer }) => layer),
  );
  const bySymbol = modelKeepingLayersIn(
    (l) => ({ [Symbol("layers")]: l }),
    (container) => Reflect.get(container, Object.getOwnPropertySymbols(container)[0]!) as Linear[],
  );
  const cases: readonly (readonly [string, () => Module, RegExp])[] = [
    ["in a #private field", () => new Hidden(), /^\(Linear 2 → 2\) in \(Hidden\): A parameter \[2, 2\] is used here/],
    ["inside of a layer", () => new Sequential(new Linear(2, 2), new Hidden()), /^\(Linear 2 → 2\) in 1 \(Hidden\): A parameter/],
    ["a parameter by itself", () => new Sequential(new Raw()), /^0 \(Raw\): A parameter \[2\] is used here/],
    ["behind a getter", () => new Getter(), /in \(Getter\)/],
    ["made while it runs", () => new Late(), /\(Late\): A parameter.*what its constructor puts/],
    ["in objects of a class", () => boxed, /\(Linear 2 → 3\) in \(Kept\)/],
    ["under a symbol", () => bySymbol, /\(Linear 2 → 3\) in \(Kept\)/],
    [
      "statistics that would not be saved",
      () => new Statistics(),
      /BatchNorm1d 2\) in \(Statistics\): A variable \[.*\] is changed here.*not be saved/,
    ],
  ];
  it.each(cases)("%s", async (_, model, message) => {
    const trainer = make(model(), compile);
    const error = await refusal(() => trainer.fit(data, { epochs: 1 }));
    expect(error.code).toBe("ERMINE_USAGE");
    expect(error.message).toMatch(message);
    expect(error.message).toMatch(/Make it a property of its module/);
    expect(trainer.step).toBe(0);
  });

  it("in the loss", async () => {
    const scale = new Parameter(zeros([]));
    const loss = (outputs: Tensor) => mul(mean(outputs), scale.value);
    expect((await refusal(() => make(new Linear(2, 2), compile, loss as never).fit(data, { epochs: 1 }))).message).toMatch(
      /^the loss, outside of the model's modules: A parameter \[\] is used/,
    );
  });

  it("in evaluation and predictions too", async () => {
    expect((await refusal(() => make(new Hidden(), compile).evaluate(data))).message).toMatch(/in \(Hidden\)/);
    expect((await refusal(() => make(new Hidden(), compile).predict(data))).message).toMatch(/in \(Hidden\)/);
  });

  it("a frozen one from outside may be used, and variables that are no parameters may be read", async () => {
    const teacher = new Linear(2, 2).freeze();
    const offset = new Variable(zeros([2]), { trainable: false });
    class Student extends Module {
      readonly student = new Linear(2, 2);
      forward(x: Tensor): Tensor {
        return add(add(this.student.forward(x), teacher.forward(x)), offset.value);
      }
    }
    const trainer = make(new Student(), compile);
    await trainer.fit(data, { epochs: 1 });
    expect(trainer.step).toBe(1);
    trainer.dispose();
  });

  it("a model with nothing to train", async () => {
    class Nothing extends Module {
      forward(x: Tensor): Tensor {
        return x;
      }
    }
    const first = await refusal(() => make(new Nothing(), compile).fit(data, { epochs: 1 }));
    expect(first.message).toMatch(/nothing to train: no parameters were found in it, or all are frozen/);
    expect((await refusal(() => make(new Linear(2, 2).freeze(), compile).fit(data, { epochs: 1 }))).message).toMatch(
      /all are frozen/,
    );
    const cut = (outputs: Tensor) => sum(stopGradient(outputs));
    expect((await refusal(() => make(new Linear(2, 2), compile, cut as never).fit(data, { epochs: 1 }))).message).toMatch(
      /depends on none of the model's parameters \(weight, bias\)/,
    );
    const accumulated = new Trainer({
      model: new Nothing(),
      loss: crossEntropy,
      optimizer: adam(),
      backend: reference(),
      compile,
      accumulate: 2,
    });
    expect((await refusal(() => accumulated.fit(data, { epochs: 1 }))).message).toMatch(/nothing to train/);
  });
});
