/** Training: a whole trajectory, the loss of each step and the parameters at its end. */
import { ErmineError, type Loss } from "@ermine/core";
import { losses } from "@ermine/core/catalog";
import * as nn from "@ermine/core/nn";
import { dataset, l2Penalty, Trainer, type CycledSchedule } from "@ermine/trainer";
import { optimizers, schedules } from "@ermine/trainer/catalog";
import type { Comparison } from "../comparison.js";
import { release, Skip, skipUnknownOptions, type GoldenKind } from "../kind.js";
import { makeLayer } from "../layers.js";
import { fromGolden, optionsOf, type GoldenCase, type GoldenOptions, type GoldenTensor } from "../schema.js";
import { hostState } from "./modules.js";

type Named = Readonly<Record<string, GoldenTensor>>;
interface Part {
  readonly name: string;
  readonly options?: GoldenOptions;
}

export interface TrainingCase extends GoldenCase {
  /** Options stand beside a layer's type. */
  readonly model: readonly ({ readonly type: string } & GoldenOptions)[];
  readonly initialParameters: Named;
  readonly initialBuffers?: Named;
  readonly data: { readonly inputs: GoldenTensor; readonly targets: GoldenTensor };
  readonly batches: readonly (readonly number[])[];
  readonly loss: Part;
  readonly optimizer: Part;
  readonly schedule?: Part;
  /** The optimizer's option that moves with the schedule. */
  readonly cycledMomentum?: "momentum" | "beta1";
  readonly expected: {
    readonly lossPerStep: readonly number[];
    readonly finalParameters: Named;
    readonly finalBuffers?: Named;
  };
}

export const trainingKind: GoldenKind<TrainingCase> = {
  name: "training",
  tolerance: { absolute: 1e-4, relative: 1e-3 },
  usesBackend: true,
  async run(golden, { backend, mode }) {
    const model = new nn.Sequential(...golden.model.map(({ type, ...options }) => makeLayer({ name: type, options: optionsOf(options) }) as nn.Layer));
    model.loadStateDict(hostState({ ...golden.initialParameters, ...golden.initialBuffers }), { strict: false });
    const { l2, ...lossOptions } = optionsOf(golden.loss.options) as { l2?: number };
    const trainer = skipUnknownOptions(
      () =>
        new Trainer({
          model,
          loss: pick(losses, golden.loss.name).with(lossOptions),
          optimizer: optimizerOf(golden),
          backend,
          regularizers: l2 === undefined ? [] : [l2Penalty(l2)],
          compile: mode === "compiled",
        }),
    );
    try {
      const all = dataset({ inputs: fromGolden(golden.data.inputs), targets: fromGolden(golden.data.targets) });
      const steps: number[] = [];
      for (const rows of golden.batches) {
        const history = await trainer.fit(all.select(rows), { epochs: 1, batchSize: rows.length, shuffle: false });
        steps.push(...history.steps);
      }
      const state = await model.stateDict();
      const ends = { ...golden.expected.finalParameters, ...golden.expected.finalBuffers };
      const comparisons: Comparison[] = [{ what: "loss", got: steps, expected: golden.expected.lossPerStep }];
      for (const [name, expected] of Object.entries(ends)) {
        comparisons.push({ what: name, got: state[name]?.data ?? [], expected });
      }
      return comparisons;
    } finally {
      trainer.dispose();
      release(lossOptions);
      for (const [, variable] of model.namedVariables()) variable.value.dispose();
    }
  },
};

function pick(entries: readonly { readonly name: string; readonly loss: Loss }[], name: string): Loss {
  const chosen = entries.find((entry) => entry.name === name);
  if (chosen === undefined) throw new Skip(`there is no loss "${name}"`);
  return chosen.loss;
}

/** The optimizer, its learning rate on the case's schedule. */
function optimizerOf({ optimizer, schedule, cycledMomentum }: TrainingCase) {
  const make = optimizers[optimizer.name];
  if (make === undefined) throw new Skip(`there is no optimizer "${optimizer.name}"`);
  const options = optionsOf(optimizer.options);
  if (schedule === undefined) return make(options);
  const scheduled = schedules[schedule.name];
  if (scheduled === undefined) throw new Skip(`there is no schedule "${schedule.name}"`);
  const rate = options["learningRate"];
  if (typeof rate !== "number") {
    throw new ErmineError("ERMINE_DATA", `A scheduled case needs its optimizer's learningRate, got ${String(rate)}.`);
  }
  const learningRate = scheduled(rate, optionsOf(schedule.options));
  if (cycledMomentum === undefined) return make({ ...options, learningRate });
  return make({ ...options, learningRate, [cycledMomentum]: (learningRate as CycledSchedule).momentum });
}
