// Definitions of one's own: an activation and a loss by their meaning alone, an op with a gradient that is not its slope.
import { cpu } from "@ermine/backend-cpu";
import { add, compile, grad, jacobian, manualSeed, mul, relu } from "@ermine/core";
import { apply1, defineActivation, defineFusedOp, defineLoss } from "@ermine/core/define";
import { round, sub, sum, tanh, tensor, useBackend, type Tensor } from "@ermine/core";
import { activationModule, Linear, Sequential } from "@ermine/core/nn";
import { checkGradients } from "@ermine/core/reference";
import { adamw, dataset, Trainer } from "@ermine/trainer";

const lisht = defineActivation({ name: "lisht", decompose: (x) => mul(x, tanh(x)) });

const squaredHinge = defineLoss({
  name: "squaredHinge",
  link: "identity",
  inputs: [{ name: "prediction", domain: "real" }, { name: "target" }],
  options: { margin: 1 },
  optionExamples: { margin: 2 },
  elements([prediction, target], { margin }) {
    const gap = relu(sub(margin, mul(prediction, target)));
    return { value: mul(gap, gap) };
  },
});

// Rounds forward, and lets the gradient through: the straight-through estimator.
const roundThroughOp = defineFusedOp({
  name: "roundThrough",
  inputs: [{ name: "x" }],
  infer: ([x]) => [{ ...x!, domain: "real" }],
  decompose: ([x]) => [round(x!)],
  gradient: ([g]) => [g],
});
const roundThrough = (x: Tensor) => apply1(roundThroughOp, [x], {});

const backend = await cpu();
useBackend(backend);
const x = tensor([1.5, 0.25, 2]);
console.log(`the worst error of lisht's gradient: ${checkGradients(lisht, [x]) < 1e-6 ? "below 1e-6" : "too large"}`);
console.log(grad((t) => sum(roundThrough(mul(t, 3))))(x).toArray()); // [ 3, 3, 3 ]
console.log(jacobian((t) => mul(t, t), x).toArray()); // [ [ 3, 0, 0 ], [ 0, 0.5, 0 ], [ 0, 0, 4 ] ]

// A gradient of a gradient, eagerly and compiled: that of x³ + tanh x, at 0 and at 1.
const second = (t: Tensor) => sum(grad((u) => sum(add(mul(mul(u, u), u), tanh(u))))(t));
console.log(grad(second)(tensor([0])).toArray()); // [ 0 ]
console.log(
  compile(grad(second))(tensor([1]))
    .dataSync()[0]
    .toFixed(4),
); // 5.3603

// They train, compiled, like the built-in ones.
manualSeed(0);
const Lisht = activationModule(lisht);
const model = new Sequential(new Linear(1, 8), new Lisht(), new Linear(8, 1));
const inputs = Float32Array.from({ length: 60 }, (_, i) => i / 30 - 1);
const targets = inputs.map((value) => (Math.abs(value) > 0.5 ? 1 : -1));
const data = dataset({ inputs: { data: inputs, shape: [60, 1] }, targets: { data: targets, shape: [60, 1] } });
const trainer = new Trainer({ model, loss: squaredHinge, optimizer: adamw({ learningRate: 0.05 }), backend });
const before = await trainer.evaluate(data);
await trainer.fit(data, { epochs: 40, batchSize: 20 });
const after = await trainer.evaluate(data);
console.log(`squared hinge: ${before.loss.toFixed(2)}, then ${after.loss < 0.2 ? "below 0.2" : after.loss.toFixed(2)}`);
trainer.dispose();
