// Two networks that are trained against each other: two trainers and a compiled function over the same parameters.
import { cpu } from "@ermine/backend-cpu";
import { tfjsPlugin } from "@ermine/backend-tfjs";
import { bceWithLogits, compile, manualSeed, normal, scope, withBackend, type Backend, type Tensor } from "@ermine/core";
import { LeakyReLU, Linear, Sequential } from "@ermine/core/nn";
import { adam, dataset, Trainer } from "@ermine/trainer";

const batch = 64;

/** Learns to draw from the normal distribution of mean 4 and standard deviation 0.5. */
async function train(backend: Backend) {
  manualSeed(0);
  const generator = new Sequential(new Linear(1, 16), new LeakyReLU(), new Linear(16, 1));
  const discriminator = new Sequential(
    new Linear(1, 16),
    new LeakyReLU(),
    new Linear(16, 16),
    new LeakyReLU(),
    new Linear(16, 1),
  );
  const judge = new Trainer({
    model: discriminator,
    loss: bceWithLogits,
    optimizer: adam({ learningRate: 0.005, beta1: 0.5 }),
    backend,
  });
  const forger = new Trainer({
    model: new Sequential(generator, discriminator),
    loss: bceWithLogits,
    optimizer: adam({ learningRate: 0.005, beta1: 0.5 }),
    backend,
  });
  const generate = compile((z: Tensor) => generator.forward(z), { backend });
  const draw = (count: number) =>
    withBackend(backend, () => scope(() => generate(normal([count, 1])).dataSync() as Float32Array));
  const run = { epochs: 1, batchSize: 2 * batch, shuffle: false };

  for (let round = 0; round < 600; round++) {
    const real = scope(() => normal([batch], 4, 0.5).dataSync() as Float32Array);
    const labels = Float32Array.from({ length: 2 * batch }, (_, i) => (i < batch ? 1 : 0));
    // The judge learns to tell real values from forged ones.
    discriminator.thaw();
    await judge.fit(
      dataset({
        inputs: { data: Float32Array.of(...real, ...draw(batch)), shape: [2 * batch, 1] },
        targets: { data: labels, shape: [2 * batch, 1] },
      }),
      run,
    );
    // The forger learns to be taken for real, by a judge that stays as it is.
    discriminator.freeze();
    const noise = scope(() => normal([2 * batch, 1]).dataSync() as Float32Array);
    await forger.fit(
      dataset({
        inputs: { data: noise, shape: [2 * batch, 1] },
        targets: { data: new Float32Array(2 * batch).fill(1), shape: [2 * batch, 1] },
      }),
      run,
    );
  }
  const drawn = draw(2000);
  const mean = drawn.reduce((a, b) => a + b, 0) / drawn.length;
  const deviation = Math.sqrt(drawn.reduce((sum, x) => sum + (x - mean) ** 2, 0) / drawn.length);
  console.log(`${backend.name}: mean ${mean.toFixed(2)}, standard deviation ${deviation.toFixed(2)}`);
  generate.dispose();
  forger.dispose();
  judge.dispose();
}

await train(await cpu());
const { available } = await tfjsPlugin.probe();
if (available) await train(await tfjsPlugin.create());
