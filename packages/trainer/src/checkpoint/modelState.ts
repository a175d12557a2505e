/** The model's values out of a training. */
import { ErmineError } from "@ermine/core";
import { checkArguments, show } from "@ermine/core/define";
import type { StateDict } from "@ermine/core/nn";
import { areVariables } from "./host.js";
import type { TrainingSnapshot } from "../step/contract.js";

/**
 * The model's parameters and buffers in a snapshot, for `model.loadStateDict` or `writeSafetensors`.
 *
 * @example
 * const values = modelState(await trainer.snapshot());
 * trainer.model.loadStateDict(values);
 */
export function modelState(snapshot: Pick<TrainingSnapshot, "variables">): StateDict {
  if (arguments.length > 1) checkArguments("modelState", arguments, 1);
  const variables: unknown = (snapshot as Partial<TrainingSnapshot> | null | undefined)?.variables;
  if (!areVariables(variables))
    throw new ErmineError(
      "ERMINE_USAGE",
      `modelState takes a snapshot, got ${show(snapshot)}. Write modelState(await trainer.snapshot()).`,
    );
  return Object.fromEntries(
    (variables as unknown as TrainingSnapshot["variables"]).flatMap(({ name, role, shape, dtype, data }) =>
      role === "parameter" || role === "buffer" ? [[name, { shape, dtype, data }] as const] : [],
    ),
  );
}
