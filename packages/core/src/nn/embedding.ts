/** A table of vectors, looked up by index. */
import { ErmineError } from "../errors.js";
import { indexSelect } from "../ops/gather.js";
import { reshape } from "../ops/shape.js";
import { initialize, normalInit } from "../random/initializers.js";
import type { Tensor } from "../tensor/tensor.js";
import { Parameter } from "../tensor/variable.js";
import { checkSize } from "./linear.js";
import { Module } from "./module.js";

/** int32 (…) → float32 (…, embeddingDim). The weight (numEmbeddings, embeddingDim) starts from N(0, 1), PyTorch's default. */
export class Embedding extends Module {
  readonly weight: Parameter;

  constructor(numEmbeddings: number, embeddingDim: number) {
    super();
    checkSize("Embedding", "numEmbeddings", numEmbeddings);
    checkSize("Embedding", "embeddingDim", embeddingDim);
    this.weight = new Parameter(initialize(normalInit(), [numEmbeddings, embeddingDim], "weight"));
  }

  forward(indices: Tensor): Tensor<"real"> {
    if (indices.dtype !== "int32")
      throw new ErmineError("ERMINE_DTYPE", `Embedding looks up int32 indices, got ${indices.dtype}. Use cast(x, "int32").`);
    const rows = indexSelect(this.weight.value, 0, reshape(indices, [-1]));
    return reshape(rows, [...indices.shape, this.weight.shape[1]!]);
  }

  override describe(): string {
    return `Embedding ${this.weight.shape.join(" × ")}`;
  }
}
