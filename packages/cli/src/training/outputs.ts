/** A model's outputs for rows. */
import type { Backend, Tensor } from "@ermine/core";
import type { Module } from "@ermine/core/nn";
import type { Features } from "@ermine/preprocessing";
import { dataset, sgd, Trainer } from "@ermine/trainer";

/** The outputs of a model whose inputs are a table's features, row by row. */
export async function outputsOf(model: Module, inputs: readonly Features[], backend: Backend): Promise<ArrayLike<number>> {
  // It is not trained: a loss and an optimizer are what a trainer asks for.
  const trainer = new Trainer({
    model: model as never,
    loss: (output: Tensor) => output,
    optimizer: sgd({ learningRate: 1 }),
    backend,
  });
  try {
    const { data } = (await trainer.predict(dataset({ inputs: [...inputs] }))) as { readonly data: ArrayLike<number> };
    return data;
  } finally {
    trainer.dispose();
  }
}
