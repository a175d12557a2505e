import { expect, it } from "vitest";
import { crossEntropy, Dim, mul, softmax, sum, valueAndGrad, Variable, zeros, type Tensor } from "@ermine/core";
import { compileModule, graphModule, traceEntry } from "@ermine/core/backend";
import { cpu } from "../src/index.js";

/** The ops of a compiled loss and its gradient with respect to a parameter that is added to what is fed. */
async function opsOf(loss: (x: Tensor, y: Tensor) => Tensor) {
  const backend = await cpu({ threads: 1 });
  const scale = new Variable(zeros([3]));
  const { graph } = traceEntry("f", (trace) => {
    const x = trace.feed("x", { shape: [Dim.symbol("N"), 3], dtype: "float32", domain: "real" });
    const y = trace.feed("y", { shape: [Dim.symbol("N")], dtype: "int32", domain: "real" });
    return [...valueAndGrad(() => loss(mul(x, scale.value), y), [scale]).grads];
  });
  const program = compileModule(backend, graphModule({ f: graph }));
  const feeds = { x: { shape: [2, 3], value: new Float32Array(6) }, y: { shape: [2], value: new Int32Array(2) } };
  const parts = await program.profile!("f", feeds);
  program.dispose();
  return parts.flatMap(({ nodes }) => nodes.map(({ op }) => op.name));
}

it("what a kernel does not look at is not computed for it: the normalizer's gradient, and the loss itself", async () => {
  const ops = await opsOf((x, y) => crossEntropy(x, y));
  expect(ops).toContain("crossEntropyElementsGradient");
  // d (value / normalizer) / d normalizer has a minus; the value is asked for by nobody.
  expect(ops).not.toContain("neg");
});

it("what it does look at is", async () => {
  const ops = await opsOf((x) => sum(mul(softmax(x, { axis: 1 }), x)));
  expect(ops).toContain("softmax");
  expect(ops).toContain("softmaxGradient");
});
