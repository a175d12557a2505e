/** The memory of a loss over many classes: logits and their gradients are there for some of them at a time. */
import { crossEntropy, linear, linearCrossEntropy, valueAndGrad, type Tensor } from "@ermine/core";
import { lowerModule, specialize, traceEntry } from "@ermine/core/backend";
import { expect, it } from "vitest";
import { plan } from "../src/compiled/plan.js";
import { backend, useCpu } from "./exact.js";

useCpu();

const [samples, features, classes] = [256, 16, 20_000];

/** The bytes of a program that computes the loss and its gradients. */
function bytesOf(loss: (x: Tensor, weight: Tensor, target: Tensor) => Tensor): number {
  const { graph } = traceEntry("memory", (trace) => {
    const real = (name: string, shape: readonly number[]): Tensor =>
      trace.feed(name, { shape, dtype: "float32", domain: "real" });
    const [x, weight] = [real("x", [samples, features]), real("weight", [classes, features])];
    const target = trace.feed("target", { shape: [samples], dtype: "int32", domain: "real" });
    const { value, grads } = valueAndGrad(() => loss(x, weight, target), [x, weight]);
    return [value, ...grads];
  });
  const { entries } = lowerModule({ variables: [], entries: { graph: specialize(graph, {}) } }, backend);
  return plan(entries["graph"]!).bytes;
}

it("the logits of a linear layer and its cross-entropy are never there as a whole, forward and backward", () => {
  const logits = 4 * samples * classes;
  const weights = 4 * classes * features;
  const chunk = 4 * samples * 500;
  expect(bytesOf((x, weight, target) => crossEntropy(linear(x, weight), target))).toBeGreaterThan(logits);
  const chunked = bytesOf((x, weight, target) =>
    linearCrossEntropy(x as Tensor<"real">, weight as Tensor<"real">, target, { chunkSize: 500 }),
  );
  // The weight's gradient twice, in parts and as a whole, and what is computed of some of the logits.
  expect(chunked).toBeLessThan(3 * weights + 6 * chunk);
  expect(chunked).toBeLessThan(logits / 3);
});
