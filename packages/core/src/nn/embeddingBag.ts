/** Bags of rows of a table of vectors, each reduced to one vector. */
import { checkOffsets, embeddingBag, type EmbeddingBagMode } from "../ops/embeddingBag.js";
import { reshape } from "../ops/shape.js";
import { sliceAxis } from "../ops/slice.js";
import { checkArguments } from "../types/arguments.js";
import { formatShape, sameShape } from "../types/dim.js";
import { ErmineError } from "../types/errors.js";
import { checkOptions, show } from "../types/options.js";
import { checkTensor, type Tensor } from "../types/tensor.js";
import { requireIndices, TableLayer, tableOptions, type EmbeddingOptions } from "./tableLayer.js";

/** The options of `EmbeddingBag`. */
export interface EmbeddingBagOptions extends EmbeddingOptions {
  /** What becomes of a bag's rows: their sum, their mean, or the largest of each column. Default "mean". */
  readonly mode?: EmbeddingBagMode;
  /** Have offsets one more than there are bags, which is the number of indices? Default false. */
  readonly includeLastOffset?: boolean;
}

/** What `EmbeddingBag.forward` takes next to the indices. */
export interface EmbeddingBagInputs {
  /** Of a list of indices: where each bag begins, int32, from 0 on and never less than the one before. Default: indices are (bags, length). */
  readonly offsets?: Tensor;
  /** What each index counts for in a sum, float32 of the indices' shape. Default: 1. */
  readonly perSampleWeights?: Tensor;
}

const modes = ["sum", "mean", "max"];
const names = { ...tableOptions, mode: "string", includeLastOffset: "boolean" } as const;

/**
 * int32 (bags, length), or (n) with offsets → float32 (bags, embeddingDim): the sum, the mean or the largest of each bag's rows, without the rows being made
 * first where a backend can do so. An empty bag is 0. The weight (numEmbeddings, embeddingDim) starts from N(0, 1).
 *
 * @throws ErmineError ERMINE_OPTION for weights of another mode than "sum", and offsets with indices that have bags already
 * @example
 * const bags = new EmbeddingBag(10, 4, { mode: "sum" });
 * bags.forward(tensor([[1, 2, 9], [0, 0, 3]], { dtype: "int32" })).shape; // => [2, 4]
 * const words = tensor([1, 2, 9, 0], { dtype: "int32" });
 * bags.forward(words, { offsets: tensor([0, 3, 3], { dtype: "int32" }) }).shape; // => [3, 4]
 */
export class EmbeddingBag extends TableLayer {
  /** What becomes of a bag's rows. */
  readonly mode: EmbeddingBagMode;
  /** Have offsets one more than there are bags? */
  readonly includeLastOffset: boolean;

  constructor(numEmbeddings: number, embeddingDim: number, options: EmbeddingBagOptions = {}) {
    checkArguments("EmbeddingBag", arguments, 3);
    checkOptions("EmbeddingBag", options, names, [numEmbeddings, embeddingDim]);
    const { mode = "mean", includeLastOffset = false, ...rest } = options;
    if (!modes.includes(mode))
      throw new ErmineError("ERMINE_OPTION", `EmbeddingBag: mode is one of ${modes.join(", ")}, got ${show(mode)}.`);
    if (mode === "max" && rest.scaleGradByFreq === true)
      throw new ErmineError("ERMINE_OPTION", 'EmbeddingBag: scaleGradByFreq is for the modes "sum" and "mean".');
    super("EmbeddingBag", numEmbeddings, embeddingDim, rest);
    this.mode = mode;
    this.includeLastOffset = includeLastOffset;
  }

  /** One over a table that exists, (numEmbeddings, embeddingDim). */
  static fromPretrained(
    table: Tensor,
    options: EmbeddingBagOptions & {
      /** Is the table kept as it is? Default true. */
      readonly freeze?: boolean;
    } = {},
  ): EmbeddingBag {
    checkOptions("EmbeddingBag.fromPretrained", options, { ...names, freeze: "boolean" }, "table");
    const { freeze = true, ...rest } = options;
    const layer = new EmbeddingBag(...TableLayer.sizesOf("EmbeddingBag.fromPretrained", table), rest);
    layer.weight.value = table;
    return freeze ? layer.freeze() : layer;
  }

  forward(indices: Tensor, inputs: EmbeddingBagInputs = {}): Tensor<"real"> {
    checkTensor("forward", indices);
    requireIndices("EmbeddingBag", indices);
    checkOptions("EmbeddingBag.forward", inputs, { offsets: "tensor", perSampleWeights: "tensor" }, "indices");
    const { perSampleWeights } = inputs;
    const offsets = this.#offsetsOf(indices, inputs.offsets);
    this.#checkWeights(indices, perSampleWeights);
    const flat = reshape(indices, [-1]);
    const { mode, scaleGradByFreq, paddingIdx = null } = this;
    return embeddingBag(
      this.tableAt(flat),
      flat,
      { offsets, weights: perSampleWeights && reshape(perSampleWeights, [-1]) },
      {
        mode,
        paddingIdx,
        scaleGradByFreq,
        bags: offsets === undefined ? indices.shape[0]! : offsets.shape[0]!,
        length: offsets === undefined ? indices.shape[1]! : null,
      },
    );
  }

  /** Where bags begin; undefined: indices are (bags, length). */
  #offsetsOf(indices: Tensor, offsets: Tensor | undefined): Tensor | undefined {
    if (indices.rank !== (offsets === undefined ? 2 : 1)) {
      throw new ErmineError(
        "ERMINE_SHAPE",
        offsets === undefined
          ? `EmbeddingBag takes indices (bags, length), or (n) and { offsets }, got ${formatShape(indices.shape)}.`
          : `EmbeddingBag takes offsets with indices (n), got ${formatShape(indices.shape)}: (bags, length) needs none.`,
      );
    }
    if (offsets === undefined) return undefined;
    if (offsets.dtype !== "int32" || offsets.rank !== 1 || (this.includeLastOffset && offsets.shape[0] === 0)) {
      throw new ErmineError(
        "ERMINE_SHAPE",
        `EmbeddingBag: offsets are an int32 list${this.includeLastOffset ? ", the last of which is the number of indices" : ""}, got ${offsets.dtype}${formatShape(offsets.shape)}.`,
      );
    }
    checkOffsets(offsets, indices.shape[0]!, this.includeLastOffset);
    return this.includeLastOffset ? sliceAxis(offsets, 0, 0, (offsets.shape[0] as number) - 1) : offsets;
  }

  #checkWeights(indices: Tensor, weights: Tensor | undefined): void {
    if (weights === undefined) return;
    if (this.mode !== "sum")
      throw new ErmineError(
        "ERMINE_OPTION",
        `EmbeddingBag: perSampleWeights are for the mode "sum", this one's is "${this.mode}".`,
      );
    if (weights.dtype === "float32" && sameShape(weights.shape, indices.shape)) return;
    throw new ErmineError(
      "ERMINE_SHAPE",
      `EmbeddingBag: perSampleWeights are float32 of the indices' shape ${formatShape(indices.shape)}, got ${weights.dtype}${formatShape(weights.shape)}.`,
    );
  }

  override describe(): string {
    return `EmbeddingBag ${this.numEmbeddings} × ${this.embeddingDim}, ${this.mode}`;
  }
}
