/** @jax-js/jax on its WebAssembly backend: the whole step, AdamW included, under `jit`. */
import { defaultDevice, init, jit, nn, numpy as np, tree, valueAndGrad } from "@jax-js/jax";
import { connectedSizes } from "../model.js";
import { adamwOptions } from "../task.js";
import { readBatches, readParameters } from "./data.js";
import { Absent, serve } from "./player.js";

/** Its arrays are owned: each use but the last is of `ref`. */
type Layers = np.Array[];

await serve({
  async prepare(task) {
    const sizes = task.kind === "train" ? connectedSizes(task.model) : undefined;
    if (task.kind !== "train" || sizes === undefined) {
      throw new Absent({ cannot: "only the fully connected training steps are written for it" });
    }
    await init("wasm");
    defaultDevice("wasm");
    const { beta1, beta2, eps, learningRate, weightDecay } = adamwOptions;
    const parameters = readParameters(task);
    const array = (data: Float32Array, shape: readonly number[]): np.Array => np.array(data).reshape([...shape]);
    // Weights as [in, out], which it multiplies by without a transpose.
    let values: Layers = parameters.map(({ data, shape }) => {
      const t = array(data.slice(), shape);
      return shape.length === 2 ? np.transpose(t) : t;
    });
    const zeros = (): Layers => values.map((p) => np.zerosLike(p.ref));
    let [first, second] = [zeros(), zeros()];
    const batches = readBatches(task).map(({ inputs, targets, shape }) => ({
      x: array(inputs.slice() as Float32Array, shape),
      y: nn.oneHot(np.array(targets.slice(), { dtype: np.int32 }), sizes.at(-1)!),
    }));

    const loss = (layers: Layers, x: np.Array, y: np.Array): np.Array => {
      let h = x;
      for (let i = 0; i < layers.length; i += 2) {
        h = np.dot(h, layers[i]!).add(layers[i + 1]!);
        if (i < layers.length - 2) h = nn.relu(h);
      }
      return np.mean(np.sum(nn.logSoftmax(h).mul(y), -1)).neg();
    };
    const step = jit((p: Layers, m: Layers, v: Layers, x: np.Array, y: np.Array, rate: np.Array, root: np.Array) => {
      const [value, grads] = valueAndGrad(loss)(tree.ref(p), x, y) as unknown as [np.Array, Layers];
      const m2 = m.map((own, i) => own.mul(beta1).add(grads[i]!.ref.mul(1 - beta1)));
      const v2 = v.map((own, i) => own.mul(beta2).add(np.square(grads[i]!).mul(1 - beta2)));
      const p2 = p.map((own, i) => {
        const direction = m2[i]!.ref.div(np.sqrt(v2[i]!.ref).mul(root.ref).add(eps));
        return own.mul(1 - learningRate * weightDecay).sub(direction.mul(rate.ref));
      });
      rate.dispose();
      root.dispose();
      return [value, p2, m2, v2] as [np.Array, Layers, Layers, Layers];
    });
    let steps = 0;
    return {
      engine: "jax-js, WebAssembly, jit",
      async step() {
        const { x, y } = batches[steps++ % batches.length]!;
        const rate = np.array(learningRate / (1 - beta1 ** steps));
        const root = np.array(1 / Math.sqrt(1 - beta2 ** steps));
        const [value, p, m, v] = step(values, first, second, x.ref, y.ref, rate, root);
        [values, first, second] = [p, m, v];
        return (await value.data())[0] as number;
      },
    };
  },
});
