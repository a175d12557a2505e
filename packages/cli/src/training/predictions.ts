/** What models say of rows. */
import { reshape, type Tensor } from "@ermine/core";
import { TargetClasses, type Features } from "@ermine/preprocessing";
import { LinearMembers } from "../network/linearPart.js";
import { MeanOfMembers } from "../network/tabularNetwork.js";
import type { TableInputs } from "../network/tableShape.js";
import type { TableFeatures } from "../table/features.js";
import type { FittedTable } from "./fitTable.js";
import { outputsOf } from "./outputs.js";
import { probabilities, type Predictions } from "./probabilities.js";

/** (N, outputs) of a linear part that has one member. */
class LinearAlone extends LinearMembers {
  override forward(...inputs: TableInputs): Tensor {
    return reshape(super.forward(...inputs), [-1, this.part.shape.outputs]);
  }
}

/** What the network says of rows. */
export async function predict({ features, network, backend }: FittedTable, inputs: readonly Features[]): Promise<Predictions> {
  return meaningOf(features, await outputsOf(new MeanOfMembers(network), inputs, backend));
}

/** What the linear model says of them. */
export async function predictLinearly(
  { features, linear, backend }: FittedTable,
  inputs: readonly Features[],
): Promise<Predictions> {
  return meaningOf(features, await outputsOf(new LinearAlone(linear), inputs, backend));
}

/** Probabilities of logits, and values in the target's unit. */
export function meaningOf(
  { target, shape: { outputs } }: Pick<TableFeatures, "target" | "shape">,
  raw: ArrayLike<number>,
): Predictions {
  if (target instanceof TargetClasses) return probabilities(raw, outputs);
  const [cells] = Object.values(target.invert({ data: raw, shape: [raw.length, 1] }));
  return Float64Array.from(cells!, Number);
}
