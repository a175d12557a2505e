/** The averages that optimizers keep of the weights, in the weights' place for a while. */
import { ErmineError, type TypedArray, type Variable } from "@ermine/core";
import type { TrainingState } from "./state.js";
import type { Turns } from "./turns.js";

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

/** The weights of training while their averages are in the model, and how many calls want them there. */
interface Swap {
  readonly weights: readonly (readonly [Variable, TypedArray])[];
  users: number;
}

/** Puts the averages into the model, and the weights back when the last that wanted them is done. */
export class AveragedWeights {
  readonly #state: TrainingState;
  #swap: Swap | undefined;

  constructor(state: TrainingState) {
    this.#state = state;
  }

  /** @param check refuses to go on, before anything is written */
  async enter(check: () => void): Promise<Swap> {
    if (this.#swap === undefined) {
      const pairs = averages(this.#state);
      const hostValues = await Promise.all(pairs.map(([parameter, average]) => Promise.all([parameter.data(), average.data()])));
      check();
      this.#swap = { weights: pairs.map(([parameter], i) => [parameter, hostValues[i]![0]]), users: 0 };
      pairs.forEach(([parameter], i) => parameter.write(hostValues[i]![1]));
    }
    this.#swap.users++;
    return this.#swap;
  }

  leave(swap: Swap): void {
    if (this.#swap === swap && --swap.users === 0) this.putBack();
  }

  /** The values of training of a parameter that holds its average now. */
  weightsOf(variable: Variable): TypedArray | undefined {
    return this.#swap?.weights.find(([parameter]) => parameter === variable)?.[1];
  }

  /** The weights are in the model again, whoever wants the averages. */
  putBack(): void {
    for (const [parameter, data] of this.#swap?.weights ?? []) parameter.write(data);
    this.#swap = undefined;
  }
}

/** Runs fn with the averages as the model's weights, and puts the weights back, also where fn throws. No step of a `fit` is taken meanwhile. */
export function withAverages<T>(
  { turns, averaged }: { readonly turns: Turns; readonly averaged: AveragedWeights },
  fn: () => T | Promise<T>,
): Promise<T> {
  const work = turns.work("withAveragedWeights");
  return turns.pauseSteps(async () => {
    const swap = await turns.take(() => averaged.enter(work.check));
    try {
      return await fn();
    } finally {
      await turns.take(() => averaged.leave(swap));
    }
  });
}
