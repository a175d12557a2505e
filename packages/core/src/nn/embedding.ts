/** A table of vectors, looked up by index. */
import { noGrad } from "../dispatch/tapes.js";
import { ErmineError } from "../types/errors.js";
import { checkArguments } from "../types/arguments.js";
import { checkOptions, show } from "../types/options.js";
import { add, div, mul } from "../ops/arithmetic.js";
import { greater } from "../ops/comparison.js";
import { embedding } from "../ops/embedding.js";
import { indexSelect } from "../ops/gather.js";
import { reshape } from "../ops/shape.js";
import { setRows } from "../ops/tableRows.js";
import { norm } from "../ops/statistics.js";
import { where } from "../ops/where.js";
import { initialize, normalInit } from "../random/initializers.js";
import { formatShape } from "../types/dim.js";
import { checkTensor, type Tensor } from "../types/tensor.js";
import { Parameter } from "../dispatch/variable.js";
import { Module } from "./module.js";
import { checkSize } from "./size.js";

/** The options of `Embedding`. */
export interface EmbeddingOptions {
  /** This row starts as zeros and gets no gradient; −1 is the last. Default: none. */
  readonly paddingIdx?: number;
  /** A row that is looked up is first, in the table itself, scaled down to this norm where its own is larger. Default: any norm. */
  readonly maxNorm?: number;
  /** p of that norm. Default 2. */
  readonly normType?: number;
  /** Divide a row's gradient by how often it was looked up. Default false. */
  readonly scaleGradByFreq?: boolean;
}

const names = { paddingIdx: "integer", maxNorm: "number", normType: "number", scaleGradByFreq: "boolean" } as const;

/**
 * int32 (…) → float32 (…, embeddingDim). The weight (numEmbeddings, embeddingDim) starts from N(0, 1), PyTorch's default.
 *
 * @example
 * new Embedding(10, 4).forward(tensor([[1, 2, 9]], { dtype: "int32" })).shape; // => [1, 3, 4]
 */
export class Embedding extends Module {
  /** Rows of the table. */
  readonly numEmbeddings: number;
  /** The length of a row. */
  readonly embeddingDim: number;
  /** The table, (numEmbeddings, embeddingDim). */
  readonly weight: Parameter;
  /** The row that gets no gradient; undefined: none. */
  readonly paddingIdx: number | undefined;
  /** The largest norm of a row that is looked up; undefined: any. */
  readonly maxNorm: number | undefined;
  /** The order of that norm. */
  readonly normType: number;
  /** Is each row's gradient divided by how often the batch looks it up? */
  readonly scaleGradByFreq: boolean;

  constructor(numEmbeddings: number, embeddingDim: number, options: EmbeddingOptions = {}) {
    checkArguments("Embedding", arguments, 3);
    super();
    checkOptions("Embedding", options, names, [numEmbeddings, embeddingDim]);
    checkSize("Embedding", "numEmbeddings", numEmbeddings);
    checkSize("Embedding", "embeddingDim", embeddingDim);
    const { paddingIdx, maxNorm, normType = 2, scaleGradByFreq = false } = options;
    if (
      paddingIdx !== undefined &&
      !(Number.isInteger(paddingIdx) && paddingIdx >= -numEmbeddings && paddingIdx < numEmbeddings)
    ) {
      throw new ErmineError("ERMINE_OPTION", `Embedding: paddingIdx ${paddingIdx} is not one of ${numEmbeddings} rows.`);
    }
    if (maxNorm !== undefined && !(maxNorm > 0)) {
      throw new ErmineError("ERMINE_OPTION", `Embedding: maxNorm is above 0, got ${show(maxNorm)}.`);
    }
    this.numEmbeddings = numEmbeddings;
    this.embeddingDim = embeddingDim;
    this.paddingIdx = paddingIdx === undefined || paddingIdx >= 0 ? paddingIdx : paddingIdx + numEmbeddings;
    this.maxNorm = maxNorm;
    this.normType = normType;
    this.scaleGradByFreq = scaleGradByFreq;
    const padding = this.paddingIdx;
    const table = initialize(
      (shape, key) => {
        const table = normalInit()(shape, key);
        return padding === undefined ? table : table.fill(0, padding * embeddingDim, (padding + 1) * embeddingDim);
      },
      [numEmbeddings, embeddingDim],
      "weight",
    );
    this.weight = new Parameter(table, { layout: "rows" });
  }

  /** One over a table that exists, (numEmbeddings, embeddingDim). @param options.freeze is it kept as it is? Default true */
  static fromPretrained(table: Tensor, options: EmbeddingOptions & { readonly freeze?: boolean } = {}): Embedding {
    checkOptions("Embedding.fromPretrained", options, { ...names, freeze: "boolean" }, "table");
    const { freeze = true, ...rest } = options;
    if (table.rank !== 2) {
      throw new ErmineError("ERMINE_SHAPE", `Embedding.fromPretrained takes a table of rows, got ${formatShape(table.shape)}.`);
    }
    const layer = new Embedding(table.shape[0] as number, table.shape[1] as number, rest);
    layer.weight.value = table;
    return freeze ? layer.freeze() : layer;
  }

  forward(indices: Tensor): Tensor<"real"> {
    checkTensor("forward", indices);
    if (indices.dtype !== "int32")
      throw new ErmineError("ERMINE_DTYPE", `Embedding looks up int32 indices, got ${indices.dtype}. Use cast(x, "int32").`);
    const flat = reshape(indices, [-1]);
    const { paddingIdx, scaleGradByFreq } = this;
    if (this.maxNorm !== undefined) noGrad(() => this.#renormalize(flat, this.maxNorm!));
    const rows = embedding(this.weight.value, flat, { ...(paddingIdx === undefined ? {} : { paddingIdx }), scaleGradByFreq });
    return reshape(rows, [...indices.shape, this.embeddingDim]);
  }

  /** Scales the rows that are looked up down to the norm, in the table. */
  #renormalize(flat: Tensor, maxNorm: number): void {
    const table = this.weight.value;
    const rows = indexSelect(table, 0, flat);
    const size = norm(rows, { p: this.normType, axis: 1, keepDims: true });
    // PyTorch's 1e-7 keeps a row of that very norm as it is.
    const scaled = where(greater(size, maxNorm), mul(rows, div(maxNorm, add(size, 1e-7))), rows);
    // A row that is looked up twice is written twice, with the same elements.
    this.weight.value = setRows(table, flat, scaled);
  }

  override describe(): string {
    return `Embedding ${this.numEmbeddings} × ${this.embeddingDim}`;
  }
}
