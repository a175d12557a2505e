/** The digits MLP that predicts, trained elsewhere: only its size is measured. */
import { cpu } from "@ermine/backend-cpu";
import { softmax, tensor, useBackend } from "@ermine/core";
import { Linear, ReLU, Sequential } from "@ermine/core/nn";

export async function load(state) {
  useBackend(await cpu());
  const model = new Sequential(new Linear(784, 128), new ReLU(), new Linear(128, 10));
  model.loadStateDict(state);
  return (image) => softmax(model.forward(tensor(image, { shape: [1, 784] }))).data();
}
