/** What layers with a table of vectors have in common: the table, its options, and rows that are held to a norm where they are looked up. */
import { noGrad } from "../dispatch/tapes.js";
import { Parameter } from "../dispatch/variable.js";
import { add, div, mul } from "../ops/arithmetic.js";
import { greater } from "../ops/comparison.js";
import { indexSelect } from "../ops/gather.js";
import { setRows } from "../ops/tableRows.js";
import { norm } from "../ops/statistics.js";
import { where } from "../ops/where.js";
import { initialize, normalInit } from "../random/initializers.js";
import { formatShape } from "../types/dim.js";
import { ErmineError } from "../types/errors.js";
import { show } from "../types/options.js";
import type { Tensor } from "../types/tensor.js";
import { Module } from "./module.js";
import { checkSize } from "./size.js";

/** The options of layers with a table. */
export interface EmbeddingOptions {
  /** This row starts as zeros and gets no gradient; −1 is the last. In a bag it counts for nothing. Default: none. */
  readonly paddingIdx?: number;
  /** A row that is looked up is first, in the table itself, scaled down to this norm where its own is larger. Default: any norm. */
  readonly maxNorm?: number;
  /** p of that norm. Default 2. */
  readonly normType?: number;
  /** Divide a row's gradient by how often it was looked up. Default false. */
  readonly scaleGradByFreq?: boolean;
}

export const tableOptions = { paddingIdx: "integer", maxNorm: "number", normType: "number", scaleGradByFreq: "boolean" } as const;

/** A layer with a table of vectors. */
export abstract class TableLayer extends Module {
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

  /** @param name the layer's, for messages */
  protected constructor(name: string, numEmbeddings: number, embeddingDim: number, options: EmbeddingOptions) {
    super();
    checkSize(name, "numEmbeddings", numEmbeddings);
    checkSize(name, "embeddingDim", embeddingDim);
    const { paddingIdx, maxNorm, normType = 2, scaleGradByFreq = false } = options;
    if (
      paddingIdx !== undefined &&
      !(Number.isInteger(paddingIdx) && paddingIdx >= -numEmbeddings && paddingIdx < numEmbeddings)
    ) {
      throw new ErmineError("ERMINE_OPTION", `${name}: paddingIdx ${paddingIdx} is not one of ${numEmbeddings} rows.`);
    }
    if (maxNorm !== undefined && !(maxNorm > 0)) {
      throw new ErmineError("ERMINE_OPTION", `${name}: maxNorm is above 0, got ${show(maxNorm)}.`);
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
        const elements = normalInit()(shape, key);
        return padding === undefined ? elements : elements.fill(0, padding * embeddingDim, (padding + 1) * embeddingDim);
      },
      [numEmbeddings, embeddingDim],
      "weight",
    );
    this.weight = new Parameter(table, { layout: "rows" });
  }

  /** The rows and their length of a table that exists. @throws ErmineError ERMINE_SHAPE where it has no rows */
  protected static sizesOf(where: string, table: Tensor): readonly [numEmbeddings: number, embeddingDim: number] {
    if (table.rank === 2) return table.shape as readonly [number, number];
    throw new ErmineError("ERMINE_SHAPE", `${where} takes a table of rows, got ${formatShape(table.shape)}.`);
  }

  /** The table as it is looked up in at these indices: their rows are scaled down to `maxNorm` first, in the table. */
  protected tableAt(flat: Tensor): Tensor {
    if (this.maxNorm !== undefined) noGrad(() => this.#renormalize(flat, this.maxNorm!));
    return this.weight.value;
  }

  #renormalize(flat: Tensor, maxNorm: number): void {
    const table = this.weight.value;
    const rows = indexSelect(table, 0, flat);
    const size = norm(rows, { p: this.normType, axis: 1, keepDims: true });
    // PyTorch's 1e-7 keeps a row of that very norm as it is.
    const scaled = where(greater(size, maxNorm), mul(rows, div(maxNorm, add(size, 1e-7))), rows);
    // A row that is looked up twice is written twice, with the same elements.
    this.weight.value = setRows(table, flat, scaled);
  }
}

/** @throws ErmineError ERMINE_DTYPE where they are no int32 indices */
export function requireIndices(name: string, indices: Tensor): void {
  if (indices.dtype === "int32") return;
  throw new ErmineError("ERMINE_DTYPE", `${name} looks up int32 indices, got ${indices.dtype}. Use cast(x, "int32").`);
}
