import { createRequire } from "node:module";
import * as core from "@ermine/core";
import type { Op } from "@ermine/core/define";
import * as definitions from "@ermine/core/backend";
import { lowerModule, graphModule, traceEntry, type Trace } from "@ermine/core/backend";
import { reference } from "@ermine/core/reference";
import { beforeAll, describe, expect, it } from "vitest";
import { encodedNodes, savedModel, type NodeDef } from "../src/compiled/graphDef.js";
import { translate } from "../src/compiled/translate.js";
import { dtypes, loweredOps, lowerings, supports } from "../src/lowering/index.js";

const N = core.Dim.symbol("N");
const backend: core.Backend = { ...reference(), supports, capabilities: { ops: loweredOps, dtypes, deterministic: true } };
const feed = (trace: Trace, name: string, shape: core.Shape): core.Tensor =>
  trace.feed(name, { shape, dtype: "float32", domain: "real" });

function nodesOf(fn: (trace: Trace) => unknown): readonly NodeDef[] {
  const module = lowerModule(graphModule({ entry: traceEntry("entry", fn).graph }), backend);
  const names = { prefix: "", variables: module.variables.map((_, i) => `v${i}`) };
  return translate(module, names, { read: () => new Float32Array(), threads: 2 }).nodes;
}
const count = (nodes: readonly NodeDef[], ...ops: string[]): number => nodes.filter(({ op }) => ops.includes(op)).length;

beforeAll(() => core.useBackend(backend));

describe("the translation to a TensorFlow graph", () => {
  it("has every primitive but the random numbers, which are fed", () => {
    const primitives = Object.values(definitions)
      .flatMap((value: unknown) =>
        typeof value === "object" && value !== null && "infer" in value && "name" in value ? [value as Op] : [],
      )
      .filter((op) => op.decompose === undefined)
      .map((op) => op.name);
    expect(primitives.length).toBeGreaterThan(40);
    expect(primitives.filter((name) => !(name in lowerings))).toEqual(["randomUniform"]);
  });

  it("leaves the layout of convolutions alone between them, forward and backward", () => {
    const weights = [
      [3, 2, 3, 3],
      [4, 3, 3, 3],
    ].map((shape) => new core.Parameter(core.ones(shape)));
    const biases = [3, 4].map((size) => new core.Parameter(core.ones([size])));
    const nodes = nodesOf((trace) => {
      const forward = (): core.Tensor => {
        let x = feed(trace, "x", [N, 2, 8, 8]);
        weights.forEach(
          (w, i) => (x = core.maxPool(core.relu(core.convolution(x, w.value, biases[i]!.value, { padding: 1 })), 2)),
        );
        return core.mean(x);
      };
      return core.valueAndGrad(forward, weights).grads;
    });
    // Two more for each pooling stand in a branch that is taken where there is a NaN.
    expect(count(nodes, "Conv2D", "MaxPool", "Relu")).toBe(6 + 4);
    expect(count(nodes, "Conv2DBackpropFilter", "MaxPoolGrad")).toBe(4);
    // The image, the last gradient, and each filter on its way in and its gradient on its way out.
    expect(count(nodes, "Transpose")).toBeLessThanOrEqual(6);
  });

  it("names a convolution's padding where TensorFlow has a name for it, forward and backward", () => {
    const w = new core.Parameter(core.ones([3, 2, 3, 3]));
    const paddings = (size: number, options: core.ConvolutionOptions): unknown[] =>
      nodesOf((trace) => {
        const x = feed(trace, "x", [N, 2, size, size]);
        return core.valueAndGrad(() => core.mean(core.convolution(x, w.value, undefined, options)), [w]).grads;
      })
        .filter(({ op }) => op.startsWith("Conv2D"))
        .map(({ attributes }) => (attributes["padding"] as { string: string }).string);
    const named = (padding: string): unknown => [padding, padding, padding];
    expect(paddings(8, { padding: 1 })).toEqual(named("SAME"));
    expect(paddings(7, { padding: 1, stride: 2 })).toEqual(named("SAME"));
    expect(paddings(8, { padding: 1, stride: 2 })).toEqual(named("EXPLICIT"));
    expect(paddings(8, { padding: 2 })).toEqual(named("EXPLICIT"));
    expect(paddings(8, {})).toEqual(named("VALID"));
  });

  it("writes a value down once", () => {
    const nodes = nodesOf((trace) => {
      const x = feed(trace, "x", [N, 3]);
      return core.add(core.exp(x), core.mul(core.exp(x), core.exp(x)));
    });
    expect(count(nodes, "Exp")).toBe(1);
  });

  it("repeats nothing in the gradient of a mean", () => {
    const w = new core.Parameter(core.ones([3, 2]));
    const gradient = (loss: (y: core.Tensor, trace: Trace) => core.Tensor): readonly NodeDef[] =>
      nodesOf((trace) => core.valueAndGrad(() => loss(core.linear(feed(trace, "x", [N, 2]), w.value), trace), [w]).grads);
    expect(
      count(
        gradient((y) => core.mean(core.square(y))),
        "BroadcastTo",
        "Pack",
      ),
    ).toBe(0);
    const labels = { shape: [N], dtype: "int32", domain: "real" } as const;
    expect(
      count(
        gradient((y, trace) => core.crossEntropy(y, trace.feed("t", labels))),
        "BroadcastTo",
        "Pack",
      ),
    ).toBe(0);
  });

  it("repeats what is read", () => {
    const nodes = nodesOf((trace) => core.broadcastTo(feed(trace, "x", [1, 3]), [4, 3]));
    expect(count(nodes, "BroadcastTo")).toBe(1);
  });

  it("leaves the batch open, and reads it from what is fed where it is needed as a number", () => {
    const nodes = nodesOf((trace) => core.sum(core.mul(core.full([N, 2], 3), feed(trace, "x", [N, 2]))));
    expect(nodes.find(({ op }) => op === "Placeholder")!.attributes["shape"]).toEqual({ shape: [-1, 2] });
    expect(count(nodes, "Shape")).toBe(1);
    const symbol = (): unknown =>
      nodesOf((trace) => core.add(core.full([core.Dim.symbol("M")], 3), core.sum(feed(trace, "x", [N, 2]))));
    expect(symbol).toThrow(/The size M cannot be read from anything that is fed/);
  });

  it("computes nothing new for a step that is not taken", () => {
    const v = new core.Variable(core.zeros([2]));
    const nodes = nodesOf((trace) => {
      v.value = core.add(v.value, feed(trace, "x", [2]));
      trace.commitIf(core.isFinite(core.sum(v.value)));
    });
    const assign = nodes.find(({ name }) => name === "e0/assign_v0")!;
    const gate = nodes.find(({ name }) => assign.inputs[1] === `${name}:1`)!;
    expect(gate.op).toBe("Switch");
    expect(assign.inputs).toContain("^e0/read_v0");
  });

  it("copies what was fed before it becomes a variable or a result", () => {
    const v = new core.Variable(core.zeros([4]));
    const nodes = nodesOf((trace) => {
      const x = feed(trace, "x", [2, 2]);
      v.value = core.reshape(x, [4]);
      return core.permute(x, [1, 0]);
    });
    const find = (name: string): NodeDef => nodes.find((node) => node.name === name)!;
    for (const [name, at] of [
      ["e0/assign_v0", 1],
      ["e0/out0", 0],
    ] as const)
      expect(find(find(name).inputs[at]!).op).toBe("DeepCopy");
  });
});

describe("the bytes of a SavedModel", () => {
  it("are read by TensorFlow's own protocol buffers as what was written", () => {
    const messages = createRequire(import.meta.url)("@tensorflow/tfjs-node/dist/proto/api_pb.js") as Messages;
    const nodes: NodeDef[] = [
      { name: "x", op: "Placeholder", inputs: [], attributes: { dtype: { type: "float32" }, shape: { shape: [-1, 300] } } },
      {
        name: "c",
        op: "Const",
        inputs: [],
        attributes: { dtype: { type: "int32" } },
        value: { data: Int32Array.of(-5, 7), shape: [2], dtype: "int32" },
      },
      {
        name: "y",
        op: "MaxPool",
        inputs: ["x", "^c"],
        attributes: {
          ksize: { ints: [1, 200, -3] },
          alpha: { float: 0.5 },
          keep: { bool: true },
          padding: { string: "VALID" },
          n: { int: 70000 },
        },
      },
    ];
    const metaGraph = messages.SavedModel.deserializeBinary(savedModel([encodedNodes(nodes)])).getMetaGraphsList()[0]!;
    expect(metaGraph.getMetaInfoDef().getTagsList()).toEqual(["serve"]);
    const [x, c, y] = metaGraph.getGraphDef().getNodeList() as [ReadNode, ReadNode, ReadNode];
    expect([x.getName(), x.getOp(), y.getInputList()]).toEqual(["x", "Placeholder", ["x", "^c"]]);
    expect(
      x
        .getAttrMap()
        .get("shape")
        .getShape()
        .getDimList()
        .map((dim) => dim.getSize()),
    ).toEqual([-1, 300]);
    expect(x.getAttrMap().get("dtype").getType()).toBe(1);
    const constant = c.getAttrMap().get("value").getTensor();
    expect([...new Int32Array(Uint8Array.from(constant.getTensorContent_asU8()).buffer)]).toEqual([-5, 7]);
    const attributes = y.getAttrMap();
    expect(attributes.get("ksize").getList().getIList()).toEqual([1, 200, -3]);
    expect([attributes.get("alpha").getF(), attributes.get("keep").getB(), attributes.get("n").getI()]).toEqual([
      0.5,
      true,
      70000,
    ]);
    expect(new TextDecoder().decode(attributes.get("padding").getS_asU8())).toBe("VALID");
  });
});

interface ReadValue {
  getShape(): { getDimList(): { getSize(): number }[] };
  getType(): number;
  getTensor(): { getTensorContent_asU8(): Uint8Array };
  getList(): { getIList(): number[] };
  getF(): number;
  getB(): boolean;
  getI(): number;
  getS_asU8(): Uint8Array;
}
interface ReadNode {
  getName(): string;
  getOp(): string;
  getInputList(): string[];
  getAttrMap(): { get(name: string): ReadValue };
}
interface Messages {
  SavedModel: {
    deserializeBinary(bytes: Uint8Array): {
      getMetaGraphsList(): { getMetaInfoDef(): { getTagsList(): string[] }; getGraphDef(): { getNodeList(): ReadNode[] } }[];
    };
  };
}
