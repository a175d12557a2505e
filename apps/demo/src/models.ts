/** The demo's models. */
import { manualSeed } from "@ermine/core";
import { findActivation } from "@ermine/core/catalog";
import { activationModule, Conv2d, Flatten, Linear, MaxPool2d, PReLU, Sequential, type Layer } from "@ermine/core/nn";
import type { Activation } from "@ermine/core";

export type ModelName = "mlp" | "cnn";

/** The shape of one digit as the model takes it. */
export const inputShape = (model: ModelName): readonly number[] => (model === "mlp" ? [784] : [1, 28, 28]);

function activationLayer(name: string): Layer {
  if (name === "prelu") return new PReLU();
  const { activation } = findActivation(name);
  return new (activationModule(activation as Activation))();
}

/** mlp: 784 → hidden → 10. cnn: conv 3×3 × filters[0], pool, conv 3×3 × filters[1], pool, linear. Their starting values follow from the seed. */
export function buildModel(
  model: ModelName,
  options: {
    hidden: number;
    /** Of the convolutions. Default 16 and 32. */
    filters?: readonly [number, number];
    activation: string;
    seed: number;
  },
): Sequential {
  manualSeed(options.seed);
  const [first, second] = options.filters ?? [16, 32];
  const activation = (): Layer => activationLayer(options.activation);
  if (model === "mlp") return new Sequential(new Linear(784, options.hidden), activation(), new Linear(options.hidden, 10));
  return new Sequential(
    new Conv2d(1, first, 3, { padding: 1 }),
    activation(),
    new MaxPool2d(2),
    new Conv2d(first, second, 3, { padding: 1 }),
    activation(),
    new MaxPool2d(2),
    new Flatten(),
    new Linear(second * 7 * 7, 10),
  );
}
