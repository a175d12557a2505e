import { beforeAll, describe, expect, it } from "vitest";
import { add, manualSeed, mul, tensor, useBackend, type Tensor } from "../../src/index.js";
import { Linear, Module, ReLU, Sequential, withFeatures } from "../../src/nn/index.js";
import { reference } from "../../src/reference/index.js";

beforeAll(() => useBackend(reference()));
const x = () => tensor([[1, -2]]);

class Method extends Module {
  readonly fc = new Linear(2, 3);
  forward(t: Tensor): Tensor {
    return mul(this.fc.forward(t), 2);
  }
}
class Field extends Module {
  readonly fc = new Linear(2, 3);
  forward = (t: Tensor): Tensor => mul(this.fc.forward(t), 2);
}
class FieldFirst extends Module {
  forward = (t: Tensor): Tensor => mul(this.fc.forward(t), 2);
  readonly fc = new Linear(2, 3);
}
class Assigned extends Module {
  readonly fc = new Linear(2, 3);
  declare forward: (t: Tensor) => Tensor;
  constructor() {
    super();
    this.forward = (t) => mul(this.fc.forward(t), 2);
  }
}
const Base = Module as unknown as new () => object;
// TypeScript wants a method or a field; JavaScript has accessors, too.
const Getter = class extends Base {
  readonly fc = new Linear(2, 3);
  get forward() {
    return (t: Tensor): Tensor => mul(this.fc.forward(t), 2);
  }
} as unknown as new () => Method;
class OverLayer extends Linear {
  constructor() {
    super(2, 3);
  }
  override forward = (t: Tensor): Tensor<"real"> => mul(super.forward(t), 2) as Tensor<"real">;
}
const Own = class extends Base {
  readonly fc = new Linear(2, 3);
  constructor() {
    super();
    Object.defineProperty(this, "forward", { configurable: true, get: () => (t: Tensor) => mul(this.fc.forward(t), 2) });
  }
} as unknown as new () => Method;

const models = { Method, Field, FieldFirst, Assigned, Getter, OverLayer, Own } as unknown as Record<string, new () => Method>;
const made = (name: string): Method => {
  manualSeed(1);
  return new models[name]!();
};

const inside = (name: string): [Method, Module & { forward(t: Tensor): Tensor }] => {
  const layer = made(name);
  return [layer, new Sequential(layer, new ReLU())];
};

describe.each(Object.keys(models))("forward as in %s", (name) => {
  it("computes, is hooked, has paths and places in messages, as a method has", () => {
    const expected = made("Method").forward(x()).toArray();
    expect(made(name).forward(x()).toArray()).toEqual(expected);
    const [layer, model] = inside(name);
    const seen: unknown[] = [];
    layer.onForward((output, _, module) => seen.push((output as Tensor).toArray(), module));
    model.forward(x());
    expect(seen).toEqual([expected, layer]);
    expect(withFeatures(model, ["0"], () => model.forward(x())).features["0"].toArray()).toEqual(expected);
    expect(() => model.forward(tensor([[1]]))).toThrow(/^0(\.fc)? \(Linear 2 → 3\)/);
    expect(model.namedModules().map(([path]) => path)).toEqual(["", "0", ...(name === "OverLayer" ? [] : ["0.fc"]), "1"]);
    expect(Object.keys(layer)).not.toContain("forward");
    const alone = made(name);
    expect(alone.parameters()).toHaveLength(2);
    let calls = 0;
    alone.onForward(() => calls++);
    alone.forward(x());
    expect(calls).toBe(1);
  });

  it("can be replaced, by one that calls the one before", () => {
    const model = made(name);
    const before = model.forward(x()).toArray() as number[][];
    const old = model.forward.bind(model);
    let calls = 0;
    model.onForward(() => calls++);
    model.forward = (t) => add(old(t), 1);
    expect(model.forward(x()).toArray()).toEqual(before.map((row) => row.map((value) => value + 1)));
    expect(calls).toBe(1);
  });

  it("runs where the module went through Object.freeze", () => {
    const model = made(name);
    model.eval();
    const expected = model.forward(x()).toArray();
    Object.freeze(model);
    expect(model.forward(x()).toArray()).toEqual(expected);
    const whole = new Sequential(model, new ReLU()).eval();
    whole.forward(x());
    expect(model.path).toBe("0");
    expect(() => whole.train()).toThrow(/^0 went through Object\.freeze/);
    expect(whole.training).toBe(false);
  });
});

describe("forward", () => {
  it("is that of the prototype at the time of the call", () => {
    class Late extends Module {
      forward(t: Tensor): Tensor {
        return t;
      }
    }
    const model = new Late();
    Late.prototype.forward = (t) => mul(t, 3);
    expect(model.forward(tensor([2])).toArray()).toEqual([6]);
  });

  it("that is not there is named", () => {
    const Empty = class Empty extends (Module as unknown as new () => Method) {};
    expect(() => new Empty().forward(x())).toThrow(/Empty has no forward/);
  });

  it("of a proxy is refused with the remedy, however it is asked for", () => {
    const net = new Sequential(new Linear(2, 3));
    const deep = new (class extends Module {
      readonly inner = new Proxy(new Linear(2, 3), {});
      forward(t: Tensor): Tensor {
        return this.inner.forward(t);
      }
    })();
    const proxy = new Proxy(net, {});
    for (const use of [
      () => proxy.parameters(),
      () => proxy.eval(),
      () => proxy.onForward(() => {}),
      () => proxy.path,
      () => deep.forward(x()),
    ]) {
      expect(use).toThrow(/is a proxy.*markRaw\(model\)/);
    }
    expect(() => new Sequential(new Proxy(new Linear(2, 3), {}))).toThrow(/argument 0: this is a proxy of a Module.*markRaw/);
  });
});
