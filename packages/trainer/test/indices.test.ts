import { describe, expect, it } from "vitest";
import { add, crossEntropy, mean, reshape, tensor, transpose, type Tensor } from "@ermine/core";
import { Embedding, Linear, Module } from "@ermine/core/nn";
import { reference } from "@ermine/core/reference";
import { dataset, sgd, Trainer } from "../src/index.js";

class Words extends Module {
  readonly table = new Embedding(5, 3);
  readonly out = new Linear(3, 2);
  readonly #read: (tokens: Tensor) => Tensor;

  constructor(read: (tokens: Tensor) => Tensor = (tokens) => tokens) {
    super();
    this.#read = read;
  }

  forward(tokens: Tensor): Tensor<"real"> {
    return this.out.forward(mean(this.table.forward(this.#read(tokens)), { axis: 1 }));
  }
}

const data = (tokens: readonly number[]) =>
  dataset({
    inputs: { data: Int32Array.from(tokens), shape: [tokens.length / 2, 2] },
    targets: tensor(
      tokens.slice(0, tokens.length / 2).map(() => 1),
      { dtype: "int32" },
    ),
  });

const fit = (model: Module, tokens: readonly number[], validation?: readonly number[]) =>
  new Trainer({ model, loss: crossEntropy, optimizer: sgd({ learningRate: 0.1 }), backend: reference() }).fit(data(tokens), {
    epochs: 1,
    batchSize: 2,
    ...(validation === undefined ? {} : { validation: data(validation) }),
  });

describe("tokens before the first step", () => {
  it("names column, row, place and layer", async () => {
    await expect(fit(new Words(), [0, 1, 2, 9, 3, 4])).rejects.toMatchObject({
      code: "ERMINE_VALUE",
      message:
        "inputs (training set) has the index 9 in row 1, place 1, and the layer table looks up 5 rows, 0 … 4. Correct it, or make the table longer.",
    });
  });

  it("sees indices that start at 1", async () => {
    await expect(fit(new Words(), [1, 2, 3, 5])).rejects.toThrow("Do the indices start at 1? Subtract 1");
  });

  it("looks at the validation set", async () => {
    await expect(fit(new Words(), [0, 1, 2, 3], [0, -1])).rejects.toThrow(
      "inputs (validation set) has the index -1 in row 0, place 1",
    );
  });

  it("sees through what only moves indices", async () => {
    const moved = new Words((tokens) => reshape(transpose(tokens), [tokens.shape[0]!, tokens.shape[1]!]));
    await expect(fit(moved, [0, 1, 2, 7])).rejects.toThrow("inputs (training set) has the index 7 in row 1, place 1");
  });

  it("leaves to the step what is computed: an index that is right only then is taken", async () => {
    const shifted = (): Words => new Words((tokens) => add(tokens, -1));
    await expect(fit(shifted(), [1, 2, 3, 5])).resolves.toMatchObject({ stopped: "finished" });
    await expect(fit(shifted(), [1, 2, 3, 0])).rejects.toMatchObject({ code: "ERMINE_VALUE" });
  });
});
