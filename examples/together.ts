// A model that is trained, evaluated with metrics that its trainer does not have, and run by a compiled function: all over the same parameters.
import { cpu } from "@ermine/backend-cpu";
import { tfjsPlugin } from "@ermine/backend-tfjs";
import {
  compile,
  crossEntropy,
  grad,
  manualSeed,
  mul,
  scope,
  sign,
  softmax,
  tensor,
  uniform,
  withBackend,
  type Backend,
  type Tensor,
} from "@ermine/core";
import { Linear, ReLU, Sequential } from "@ermine/core/nn";
import { accuracy, adamw, dataset, topKAccuracy, Trainer } from "@ermine/trainer";

// Points of a square; the class is the ring that a point lies in.
function rings(count: number) {
  const points = scope(() => uniform([count, 2], -1, 1).dataSync() as Float32Array);
  const classes = Int32Array.from({ length: count }, (_, i) => Math.floor(Math.hypot(points[2 * i]!, points[2 * i + 1]!) / 0.5));
  return dataset({ inputs: { data: points, shape: [count, 2] }, targets: { data: classes, shape: [count] } });
}

async function run(backend: Backend) {
  manualSeed(0);
  const model = new Sequential(new Linear(2, 32), new ReLU(), new Linear(32, 3));
  const trainer = new Trainer({ model, loss: crossEntropy, optimizer: adamw({ learningRate: 0.01 }), backend });
  const probabilities = compile((x: Tensor) => softmax(model.forward(x)), { backend });
  // Where a point would have to go to look less like its class.
  const direction = compile(
    (x: Tensor, y: Tensor) => {
      const slope = grad((point: Tensor) => crossEntropy(model.forward(point), y))(x);
      return mul(sign(slope), 0.1);
    },
    { backend },
  );

  const [seen, unseen] = [rings(2000), rings(500)];
  const point = tensor([[0.2, 0.1]]);
  for (let round = 1; round <= 3; round++) {
    await trainer.fit(seen, { epochs: 4, batchSize: 32 });
    const scores = await trainer.evaluate(unseen, { metrics: [accuracy(), topKAccuracy({ k: 2 })] });
    const [inner] = withBackend(backend, () => probabilities(point)).dataSync();
    console.log(`${backend.name}, round ${round}: ${JSON.stringify(scores)}, the middle is ring 0 with ${inner!.toFixed(2)}`);
  }
  console.log(
    `away from ring 0: ${[...withBackend(backend, () => direction(point, tensor([0], { dtype: "int32" }))).dataSync()].map((d) => d.toFixed(1)).join(", ")}`,
  );
  for (const holder of [direction, probabilities, trainer]) holder.dispose();
}

await run(await cpu());
const { available } = await tfjsPlugin.probe();
if (available) await run(await tfjsPlugin.create());
