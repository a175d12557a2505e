/** A table of vectors, looked up by index. */
import { checkArguments } from "../types/arguments.js";
import { checkOptions } from "../types/options.js";
import { embedding } from "../ops/embedding.js";
import { reshape } from "../ops/shape.js";
import { checkTensor, type Tensor } from "../types/tensor.js";
import { requireIndices, TableLayer, tableOptions, type EmbeddingOptions } from "./tableLayer.js";

export type { EmbeddingOptions } from "./tableLayer.js";

/**
 * int32 (…) → float32 (…, embeddingDim). The weight (numEmbeddings, embeddingDim) starts from N(0, 1), PyTorch's default.
 *
 * @example
 * new Embedding(10, 4).forward(tensor([[1, 2, 9]], { dtype: "int32" })).shape; // => [1, 3, 4]
 */
export class Embedding extends TableLayer {
  constructor(numEmbeddings: number, embeddingDim: number, options: EmbeddingOptions = {}) {
    checkArguments("Embedding", arguments, 3);
    checkOptions("Embedding", options, tableOptions, [numEmbeddings, embeddingDim]);
    super("Embedding", numEmbeddings, embeddingDim, options);
  }

  /** One over a table that exists, (numEmbeddings, embeddingDim). */
  static fromPretrained(
    table: Tensor,
    options: EmbeddingOptions & {
      /** Is the table kept as it is? Default true. */
      readonly freeze?: boolean;
    } = {},
  ): Embedding {
    checkOptions("Embedding.fromPretrained", options, { ...tableOptions, freeze: "boolean" }, "table");
    const { freeze = true, ...rest } = options;
    const layer = new Embedding(...TableLayer.sizesOf("Embedding.fromPretrained", table), rest);
    layer.weight.value = table;
    return freeze ? layer.freeze() : layer;
  }

  forward(indices: Tensor): Tensor<"real"> {
    checkTensor("forward", indices);
    requireIndices("Embedding", indices);
    const flat = reshape(indices, [-1]);
    const { paddingIdx, scaleGradByFreq } = this;
    const rows = embedding(this.tableAt(flat), flat, { ...(paddingIdx === undefined ? {} : { paddingIdx }), scaleGradByFreq });
    return reshape(rows, [...indices.shape, this.embeddingDim]);
  }

  override describe(): string {
    return `Embedding ${this.numEmbeddings} × ${this.embeddingDim}`;
  }
}
