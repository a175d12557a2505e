/** Values without elements: in a graph's own shapes, by the batch of a run, and where a size only comes out as 0. */
import * as core from "@ermine/core";
import { Trace as coreTrace, traceEntry, graphModule, compileModule, type Feeds, type Graph } from "@ermine/core/backend";
import { apply1 } from "@ermine/core/define";
import { reference } from "@ermine/core/reference";
import type { Tensor } from "@ermine/core";
import { allFiniteOp } from "@ermine/trainer";
import { expect, it } from "vitest";
import { agrees, backend, numbers, whole } from "./agreement.js";
import { describeNative } from "./native.js";

const none = (...shape: readonly number[]) => ({ shape, data: [] });
const N = core.Dim.symbol("N");

describeNative("values without elements", () => {
  // TensorFlow's graph optimizer makes a tiling of it, and divides by the sizes.
  it("a product with ones, reshaped into a product of matrices", async () => {
    for (const symbolic of [false, true]) {
      const fn = (x: Tensor, w: Tensor): Tensor => {
        const wide = core.mul(core.reshape(x, [x.shape[0]!, 1, 2]), core.ones([1, 3, 2]));
        return core.matmul(core.reshape(wide, [x.shape[0]!, 6]), w);
      };
      await agrees(fn, [none(0, 2)], { fixed: [numbers([6, 2])], symbolic });
    }
    const fn = (x: Tensor, w: Tensor): Tensor => core.matmul(core.reshape(core.mul(x, core.ones([0, 3, 2])), [0, 6]), w);
    await agrees(fn, [none(0, 1, 2), numbers([6, 2])], { symbolic: false });
  });

  it("gradients of a bilinear form of no rows", async () => {
    const fn = (x: Tensor, y: Tensor, w: Tensor): readonly Tensor[] =>
      core.valueAndGrad(() => {
        const rows = x.shape[0]!;
        const half = core.reshape(core.matmul(x, core.transpose(w)), [rows, 3, 2]);
        return core.sum(core.mul(half, core.reshape(y, [rows, 1, 2])));
      }, [x, y, w]).grads as readonly Tensor[];
    for (const symbolic of [false, true]) await agrees(fn, [none(0, 2), none(0, 2)], { fixed: [numbers([6, 2])], symbolic });
  });

  it.each<[string, (x: Tensor) => Tensor | readonly Tensor[], readonly number[]]>([
    ["convolution", (x) => core.relu(core.convolution(x, core.ones([3, 2, 3, 3]), core.ones([3]), { padding: 1 })), [0, 2, 4, 4]],
    ["maxPool", (x) => core.maxPool(x, 2), [0, 2, 4, 4]],
    ["resize", (x) => core.resize(x, { size: [8, 8] }), [0, 2, 4, 4]],
    ["a sum over the batch, with a bias", (x) => core.add(core.matmul(core.transpose(x), x), core.tensor([1, 2])), [0, 2]],
    ["allFinite", (x) => core.cast(apply1(allFiniteOp, [x], {}), "float32"), [0, 2]],
    ["sort", (x) => Object.values(core.sort(x, { axis: 0 })), [0, 2]],
    ["argMax along the other axis", (x) => core.argMax(x, { axis: 1 }), [0, 2]],
    ["softmax along the batch", (x) => core.softmax(x, { axis: 0 }), [0, 2]],
  ])("%s of an empty batch, and its gradient, in a graph for any batch", async (_, fn, shape) => {
    await agrees(
      (x) => {
        const { value, grads } = core.valueAndGrad(() => {
          const outputs = [fn(x)].flat();
          const floats = core.cast(outputs[0]!, "float32");
          return [core.sum(core.mul(floats, floats)), outputs] as const;
        }, [x]);
        return [...value[1], ...(grads as readonly Tensor[])];
      },
      [none(...shape)],
    );
  });

  it("a size that comes out as 0 or below", async () => {
    const differences = (x: Tensor): Tensor => core.matmul(core.transpose(core.at(x, { start: 1 })), core.at(x, { start: 1 }));
    for (const rows of [1, 2]) await agrees((x) => core.add(differences(x), core.tensor([1, 2])), [numbers([rows, 2])]);
    const program = core.compile((x: Tensor) => core.at(x, { start: 1 }), { backend: await backend(), symbolicBatch: true });
    expect(() => program(core.zeros([0, 2]))).toThrow(expect.objectContaining({ code: "ERMINE_SHAPE" }));
    program.dispose();
  });

  it.each<[string, (x: Tensor) => Tensor]>([
    ["max", (x) => core.max(x, { axis: 0 })],
    ["argMax", (x) => core.argMax(x, { axis: 0 })],
    ["topK", (x) => core.topK(x, 2, { axis: 0 }).values],
    ["slice", (x) => core.at(x, 1)],
  ])("%s of a batch that has too little is refused before anything runs", async (_, fn) => {
    for (const on of [await backend(), reference()]) {
      const program = core.compile(fn, { backend: on, symbolicBatch: true });
      expect([...core.withBackend(on, () => program(core.ones([3, 2]))).dataSync()]).not.toContain(NaN);
      const refusal = expect.objectContaining({ code: "ERMINE_SHAPE" });
      expect(() => core.withBackend(on, () => program(core.zeros([0, 2])))).toThrow(refusal);
      program.dispose();
    }
  });

  it("cross-entropy over no classes", async () => {
    const program = core.compile((x: Tensor, t: Tensor) => core.crossEntropy(x, t), { backend: await backend() });
    const call = (): unknown => program(core.zeros([2, 0]), core.tensor(whole([2], [0, 0]).data, { dtype: "int32" }));
    expect(call).toThrow(core.ErmineError);
    expect(call).not.toThrow("TensorFlow refused");
    program.dispose();
  });

  it("an entry updates its variables from an empty batch, next to entries that never see one", async () => {
    const outcomes = await Promise.all(
      [reference(), await backend()].map(async (on) => {
        const [total, rows, unchanged] = [
          [10, 20],
          [5, 6],
          [1, 2],
        ].map((data) => new core.Variable(core.tensor(data)));
        const entry = (fn: (trace: coreTrace) => unknown): Graph => traceEntry("test", fn).graph;
        const feed = (trace: coreTrace): Tensor => trace.feed("x", { shape: [N, 2], dtype: "float32", domain: "real" });
        const module = graphModule({
          count: entry((trace) => {
            const sums = core.sum(feed(trace), { axis: 0 });
            total!.value = core.add(total!.value, core.add(sums, 1));
            return total!.value;
          }),
          average: entry((trace) => {
            const means = core.mean(feed(trace), { axis: 0 });
            rows!.value = means;
            trace.commitIf(apply1(allFiniteOp, [means], {}));
            return means;
          }),
          empty: entry(() => {
            unchanged!.value = core.add(unchanged!.value, core.sum(core.zeros([0, 2]), { axis: 0 }));
            return core.concat([unchanged!.value, core.zeros([0])]);
          }),
        });
        const program = compileModule(on, module);
        const outputs: number[][] = [];
        const run = async (name: string, shape?: readonly number[], data: readonly number[] = []): Promise<void> => {
          const feeds: Feeds = shape === undefined ? {} : { x: { shape, value: Float32Array.from(data) } };
          for (const storage of program.run(name, feeds)) {
            outputs.push([...(await on.read(storage))]);
            on.release(storage);
          }
        };
        await run("count", [0, 2]);
        await run("count", [1, 2], [3, 4]);
        await run("average", [2, 2], [1, 2, 3, 4]);
        await run("average", [0, 2]);
        await run("count", [0, 2]);
        await run("empty");
        const before = on.memory();
        await run("average", [0, 2]);
        await run("empty");
        expect(on.memory(), "storages after the runs").toEqual(before);
        const state = await Promise.all([total!, rows!, unchanged!].map(async (variable) => [...(await variable.data())]));
        program.dispose();
        return { outputs, state };
      }),
    );
    expect(outcomes[1]).toEqual(outcomes[0]);
    expect(outcomes[1]!.state).toEqual([
      [16, 27],
      [2, 3],
      [1, 2],
    ]);
  });
});
