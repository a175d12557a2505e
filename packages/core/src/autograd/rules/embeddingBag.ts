/** The gradient of bags of rows: of the table as rows, and of the weights of the indices. */
import type { OptionalTensors } from "../../ir/op.js";
import { div, maximum, mul } from "../../ops/arithmetic.js";
import { cast } from "../../ops/cast.js";
import { equal } from "../../ops/comparison.js";
import { iota, zerosLike } from "../../ops/creation.js";
import { rowsOf } from "../../ops/embedding.js";
import { bagsOf, countedIn, type EmbeddingBagAttributes, type embeddingBagOp, sumOfBags } from "../../ops/embeddingBag.js";
import { indexAdd, indexSelect } from "../../ops/gather.js";
import { gradientOf } from "../../ops/gradient.js";
import { sum } from "../../ops/reduction.js";
import { reshape } from "../../ops/shape.js";
import { where } from "../../ops/where.js";
import type { Tensor } from "../../types/tensor.js";

/** The gradient of each index's row, [n, d]. @param places of "max": where each value is from */
function rowsOfBags(g: Tensor, inputs: OptionalTensors, places: Tensor | undefined, attributes: EmbeddingBagAttributes): Tensor {
  const [table, indices, , weights] = inputs;
  const { mode } = attributes;
  const count = indices!.shape[0]!;
  const bag = bagsOf(inputs, attributes);
  if (mode === "max") {
    const isLargest = equal(indexSelect(places!, 0, bag), reshape(iota(count), [count, 1]));
    return rowsOf(where(isLargest, indexSelect(g, 0, bag), 0), table!, indices!, attributes);
  }
  const counts = (): Tensor => maximum(sumOfBags(cast(countedIn(indices!, attributes), "float32"), inputs, attributes), 1);
  const each = indexSelect(mode === "mean" ? div(g, counts()) : g, 0, bag);
  const weighed = weights === undefined ? each : mul(each, reshape(weights, [count, 1]));
  return rowsOf(weighed, table!, indices!, attributes);
}

/** The gradient of each index's weight, [n]. */
function weightsOfBags(g: Tensor, inputs: OptionalTensors, attributes: EmbeddingBagAttributes): Tensor {
  const [table, indices] = inputs;
  const products = mul(indexSelect(g, 0, bagsOf(inputs, attributes)), indexSelect(table!, 0, indices!));
  return sum(where(countedIn(indices!, attributes), products, 0), { axis: 1 });
}

export const embeddingBagGradient = gradientOf<typeof embeddingBagOp>(
  "embeddingBag",
  ([g], inputs, [, places], attributes, needed) => [
    needed[0] ? indexAdd(zerosLike(inputs[0]!), 0, inputs[1]!, rowsOfBags(g!, inputs, places, attributes)) : undefined,
    undefined,
    undefined,
    needed[3] ? weightsOfBags(g!, inputs, attributes) : undefined,
  ],
  (g, inputs, attributes, [, places]) => ({ indices: inputs[1]!, rows: rowsOfBags(g, inputs, places, attributes) }),
);
