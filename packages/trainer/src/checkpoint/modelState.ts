/** The model's values out of a training. */
import type { StateDict } from "@ermine/core/nn";
import type { TrainingSnapshot } from "../step/contract.js";

/**
 * The model's parameters and buffers in a snapshot, for `model.loadStateDict` or `writeSafetensors`.
 *
 * @example
 * const values = modelState(await trainer.snapshot());
 * trainer.model.loadStateDict(values);
 */
export const modelState = ({ variables }: Pick<TrainingSnapshot, "variables">): StateDict =>
  Object.fromEntries(
    variables.flatMap(({ name, role, shape, dtype, data }) =>
      role === "parameter" || role === "buffer" ? [[name, { shape, dtype, data }] as const] : [],
    ),
  );
