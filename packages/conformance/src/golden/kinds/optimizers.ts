/** Optimizers: the parameters after each step; and gradient clipping. */
import { tensor, type Tensor } from "@ermine/core";
import { clipGradNorm, clipGradValue, type Optimizer } from "@ermine/trainer";
import { optimizers } from "@ermine/trainer/catalog";
import type { Comparison } from "../comparison.js";
import { release, runOn, Skip, skipUnknownOptions, type GoldenKind, type Target } from "../kind.js";
import { fromGolden, optionsOf, type GoldenCase, type GoldenTensor } from "../schema.js";

export interface OptimizerCase extends GoldenCase {
  readonly name: string;
  readonly initialParameters: readonly GoldenTensor[];
  /** By step, then by parameter. */
  readonly gradients: readonly (readonly GoldenTensor[])[];
  readonly expected: readonly (readonly GoldenTensor[])[];
}

export interface ClipCase extends GoldenCase {
  readonly name: string;
  readonly gradients: readonly GoldenTensor[];
  readonly expected: { readonly gradients: readonly GoldenTensor[]; readonly totalNorm?: number | string };
}

export const optimizerKind: GoldenKind<OptimizerCase | ClipCase> = {
  name: "optimizers",
  tolerance: { absolute: 1e-6, relative: 1e-5 },
  usesBackend: true,
  run: (golden, target) => ("initialParameters" in golden ? steps(golden, target) : clip(golden, target)),
};

interface State {
  readonly parameters: readonly Tensor[];
  readonly slots: readonly (readonly Tensor[])[];
}

async function steps(golden: OptimizerCase, target: Target): Promise<readonly Comparison[]> {
  const make = optimizers[golden.name];
  if (make === undefined) throw new Skip(`there is no optimizer "${golden.name}"`);
  const optimizer: Optimizer = skipUnknownOptions(() => make(optionsOf(golden.options)));
  const update = (state: State, gradients: readonly Tensor[], scalars: Tensor): State =>
    optimizer.update(state, gradients, scalars);
  let state: State = { parameters: golden.initialParameters.map(fromGolden), slots: [] };
  state = { ...state, slots: golden.initialParameters.map((p) => startSlots(optimizer, p)) };
  const comparisons: Comparison[] = [];
  for (const [step, list] of golden.gradients.entries()) {
    const inputs = [state, list.map(fromGolden), tensor(Float32Array.from(optimizer.scalars({ step, epoch: 0 })))] as const;
    const next = runOn(target, update, ...inputs);
    for (const [i, p] of next.parameters.entries()) {
      const expected = golden.expected[step]![i]!;
      comparisons.push({ what: `step ${step}, parameter ${i}`, got: await p.data(), gotShape: p.shape as number[], expected });
    }
    const surviving = new Set([...next.parameters, ...next.slots.flat()].map((t) => t.state));
    release([inputs[0].parameters, inputs[0].slots].flat(2).filter((t) => !surviving.has(t.state)), inputs[1], inputs[2]);
    state = next;
  }
  release(state);
  return comparisons;
}

/** The initial slots of a parameter. */
const startSlots = (optimizer: Optimizer, p: GoldenTensor): Tensor[] =>
  Object.values(optimizer.slots(p.shape)).map(({ start, shape }) =>
    start === "parameter" ? fromGolden(p) : hostFull(shape, start),
  );

const hostFull = (shape: readonly number[], value: number): Tensor =>
  tensor(new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(value), { shape });

async function clip({ name, options, gradients, expected }: ClipCase, target: Target): Promise<readonly Comparison[]> {
  const { maxNorm, normType, clipValue, ...others } = optionsOf(options) as Record<string, number | undefined>;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) throw new Skip(`${name} has no option "${unknown}"`);
  const rules: Readonly<Record<string, (g: readonly Tensor[]) => { gradients: readonly Tensor[]; totalNorm?: Tensor }>> = {
    clipGradNorm: (g) => clipGradNorm(g, maxNorm!, normType),
    clipGradValue: (g) => ({ gradients: clipGradValue(g, clipValue!) }),
  };
  const rule = rules[name];
  if (rule === undefined) throw new Skip(`there is no gradient transformation "${name}"`);
  const inputs = gradients.map(fromGolden);
  const got = runOn(target, rule, inputs);
  const comparisons: Comparison[] = [];
  for (const [i, g] of got.gradients.entries()) {
    comparisons.push({ what: `gradient ${i}`, got: await g.data(), gotShape: g.shape as number[], expected: expected.gradients[i]! });
  }
  if (expected.totalNorm !== undefined && got.totalNorm !== undefined) {
    comparisons.push({ what: "totalNorm", got: await got.totalNorm.data(), expected: [Number(expected.totalNorm)] });
  }
  release(got, inputs);
  return comparisons;
}
