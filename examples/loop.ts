import { cpu } from "@ermine/backend-cpu";
import { compile, manualSeed, mse, mul, sub, tensor, useBackend, valueAndGrad } from "@ermine/core";
import { Linear, Sequential, Tanh } from "@ermine/core/nn";

useBackend(await cpu());
manualSeed(0);
const model = new Sequential(new Linear(1, 16), new Tanh(), new Linear(16, 1));
const parameters = [...model.parameters()];

const x = tensor(Array.from({ length: 64 }, (_, i) => [i / 32 - 1]));
const y = tensor(Array.from({ length: 64 }, (_, i) => [Math.sin((3 * i) / 32 - 3)]));

// One training step, traced once and replayed as one program.
const step = compile((input, target, rate) => {
  const { value, grads } = valueAndGrad(() => mse(model.forward(input), target), parameters);
  parameters.forEach((p, i) => (p.value = sub(p.value, mul(grads[i], rate))));
  return value;
});
for (let i = 0; i <= 2000; i++) {
  const loss = step(x, y, tensor(0.1));
  if (i % 500 === 0) console.log(`step ${i}: loss ${(await loss.data())[0].toFixed(5)}`);
  loss.dispose();
}
