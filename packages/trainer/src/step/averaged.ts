/** The averages that optimizers keep of the weights, in the weights' place for a while. */
import { ErmineError, type TypedArray, type Variable } from "@ermine/core";
import type { TrainingState } from "./state.js";

/** Each parameter with its average. @throws ErmineError ERMINE_OPTION where no optimizer keeps one */
function averages({ groups }: TrainingState): [parameter: Variable, average: Variable][] {
  const pairs = groups.flatMap(({ optimizer, parameters, slots }) =>
    parameters.flatMap((parameter, i): [Variable, Variable][] => {
      if (optimizer.average === undefined) return [];
      const place = Object.keys(optimizer.slots(parameter.shape)).indexOf(optimizer.average);
      return [[parameter, slots[i]![place]!]];
    }),
  );
  if (pairs.length > 0) return pairs;
  throw new ErmineError(
    "ERMINE_OPTION",
    "There are no averaged weights: no optimizer keeps them, or nothing was trained yet. Wrap one: exponentialAverage(adamw()).",
  );
}

/** Runs fn with the averages as the model's weights, and puts the weights back, also where fn throws. */
export async function withAverages<T>(state: TrainingState, fn: () => T | Promise<T>): Promise<T> {
  const pairs = averages(state);
  const before: [Variable, TypedArray][] = [];
  try {
    for (const [parameter, average] of pairs) {
      const [own, averaged] = await Promise.all([parameter.data(), average.data()]);
      before.push([parameter, own]);
      parameter.write(averaged);
    }
    return await fn();
  } finally {
    for (const [parameter, own] of before) parameter.write(own);
  }
}
