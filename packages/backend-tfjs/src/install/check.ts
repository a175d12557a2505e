/** `ermine-tfjs check`: does this machine's TensorFlow compute what it should, and how fast? The report is made to be pasted. */
import { cpus } from "node:os";
import {
  add,
  compile,
  convolution,
  crossEntropy,
  matmul,
  maxPool,
  mul,
  relu,
  reshape,
  scope,
  sub,
  sum,
  valueAndGrad,
  Variable,
  withBackend,
  type Backend,
  type Tensor,
} from "@ermine/core";
import { reference } from "@ermine/core/reference";
import { tfjs, type TfjsBackend } from "../backend.js";
import { checkPrograms, classesOf, values, type CheckProgram } from "./checkPrograms.js";
import { examine } from "./doctor.js";
import type { Finding } from "./doctor.js";
import type { Site } from "./site.js";

/** By how much a result may differ, next to the largest element: float32 after long sums, and less than TF32 or float16 would give. */
const tolerance = 1e-4;
const steps = 20;

/**
 * Runs the programs and prints the report as it grows.
 *
 * @param show a finding as a line
 * @param create makes the backend
 * @returns does all of it agree with the reference?
 */
export async function check(
  site: Site,
  print: (line: string) => void,
  show: (finding: Finding) => string,
  create: () => Promise<TfjsBackend> = tfjs,
): Promise<boolean> {
  const { healthy, findings } = examine(site);
  for (const finding of findings) print(show(finding));
  if (!healthy) return false;
  const backend = await create();
  print(
    show({
      ok: true,
      text: `${cpus()[0]?.model.trim() ?? "unknown processor"}, ${cpus().length} threads; ermine computes on ${backend.engine}`,
    }),
  );
  print("");
  let agrees = true;
  const outcome = (ok: boolean, text: string): void => {
    agrees &&= ok;
    print(show({ ok, text }));
  };
  for (const program of checkPrograms) {
    const { largest, summary } = await attempt(() => compare(program, backend));
    outcome(largest <= tolerance, `${program.name}: ${summary}`);
  }
  const left = await leftovers(backend);
  outcome(left === 0, left === 0 ? "no tensor is left over" : `${left} tensors are left over`);
  const trained = await attempt(() => compareTraining(backend));
  outcome(trained.largest <= tolerance, `training of a convolutional network: ${trained.summary}`);
  print("");
  for (const line of await figures(backend)) print(line);
  print("");
  print(agrees ? "All of it agrees with the float64 reference." : "Something differs: please report the lines above.");
  backend.dispose();
  return agrees;
}

/** How many tensors a second run of the programs adds. The first one also made the constants that a backend keeps. */
async function leftovers(backend: Backend): Promise<number> {
  const before = backend.memory().tensors;
  for (const program of checkPrograms) await resultsOf(program, backend, true).catch(() => undefined);
  return backend.memory().tensors - before;
}

interface Comparison {
  /** The largest difference, next to the largest element. */
  readonly largest: number;
  readonly summary: string;
}

/** An error is an outcome too: the report goes on. */
async function attempt(run: () => Promise<Comparison>): Promise<Comparison> {
  try {
    return await run();
  } catch (error) {
    return { largest: Infinity, summary: error instanceof Error ? error.message : String(error) };
  }
}

type Elements = readonly ArrayLike<number>[];

/** The results of a program and the gradients of their sum. */
async function resultsOf({ inputs, run }: CheckProgram, backend: Backend, compiled: boolean): Promise<Elements> {
  const args = withBackend(backend, inputs);
  const body = (...of: readonly Tensor[]): readonly Tensor[] => {
    const { value, grads } = valueAndGrad(() => {
      const outputs = run(...of);
      const total = outputs.map((output) => sum(mul(output, output))).reduce(add);
      return [total, outputs] as const;
    }, [...of]);
    return [...value[1], ...grads];
  };
  const fn = compiled ? compile(body, { backend }) : undefined;
  const results = withBackend(backend, () => (fn === undefined ? scope(() => body(...args)) : fn(...args)));
  const elements = await Promise.all(results.map((t) => t.data()));
  fn?.dispose();
  for (const t of [...results, ...args]) t.dispose();
  return elements;
}

async function compare(program: CheckProgram, backend: Backend): Promise<Comparison> {
  const expected = await resultsOf(program, reference(), false);
  const eager = differenceOf(await resultsOf(program, backend, false), expected);
  const compiled = differenceOf(await resultsOf(program, backend, true), expected);
  return {
    largest: Math.max(eager, compiled),
    summary: `op by op ${eager.toExponential(1)}, as a graph ${compiled.toExponential(1)}`,
  };
}

/** The largest |a − b| next to the largest |b| of its tensor; NaN counts as ∞. */
function differenceOf(got: Elements, expected: Elements): number {
  return Math.max(
    ...expected.map((reference, k) => {
      let [scale, largest] = [1e-30, 0];
      for (let i = 0; i < reference.length; i++) {
        scale = Math.max(scale, Math.abs(reference[i]!));
        const by = Math.abs(got[k]![i]! - reference[i]!);
        largest = Math.max(largest, Number.isNaN(by) ? Infinity : by);
      }
      return largest / scale;
    }),
  );
}

interface Network {
  step(): Promise<number>;
  dispose(): void;
}

/** A small convolutional network that learns one batch by gradient descent, each step one graph. */
function network(backend: Backend, size: number, channels: number, batch: number): Network {
  const width = channels * (size / 2) ** 2;
  const [x, y] = withBackend(backend, () => [values([batch, 1, size, size], 3), classesOf(batch, 10)] as const);
  const initial = (shape: readonly number[], seed: number): Variable =>
    withBackend(backend, () => new Variable(scope(() => mul(values(shape, seed), 0.1))));
  const parameters = [initial([channels, 1, 3, 3], 1), initial([channels], 2), initial([width, 10], 5), initial([10], 4)];
  const train = compile(
    (inputs: Tensor, targets: Tensor) => {
      const [kernel, bias, weight, offset] = parameters;
      const { value, grads } = valueAndGrad(() => {
        const maps = maxPool(relu(convolution(inputs, kernel!.value, bias!.value, { padding: 1 })), 2);
        return crossEntropy(add(matmul(reshape(maps, [batch, width]), weight!.value), offset!.value), targets);
      }, parameters);
      parameters.forEach((parameter, i) => (parameter.value = sub(parameter.value, mul(grads[i]!, 0.1))));
      return value;
    },
    { backend },
  );
  return {
    async step() {
      const loss = train(x, y);
      const [value] = await loss.data();
      loss.dispose();
      return value!;
    },
    dispose() {
      train.dispose();
      x.dispose();
      y.dispose();
    },
  };
}

async function lossesOf(backend: Backend): Promise<readonly number[]> {
  const net = network(backend, 12, 8, 32);
  const losses: number[] = [];
  for (let i = 0; i < steps; i++) losses.push(await net.step());
  net.dispose();
  return losses;
}

async function compareTraining(backend: Backend): Promise<Comparison> {
  const expected = await lossesOf(reference());
  const [got, again] = [await lossesOf(backend), await lossesOf(backend)];
  const largest = differenceOf([got], [expected]);
  const same = got.every((loss, i) => Object.is(loss, again[i]));
  const summary = `loss ${got[0]!.toFixed(3)} → ${got.at(-1)!.toFixed(3)} in ${steps} steps, ${largest.toExponential(1)} from the reference's, ${same ? "the same bits" : "other bits"} the second time`;
  return { largest: same ? largest : Infinity, summary };
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!;

/** The median time of several calls in milliseconds, after one that warms up. */
async function timeOf(run: () => Promise<unknown>, count = 7): Promise<number> {
  await run();
  const times: number[] = [];
  for (let i = 0; i < count; i++) {
    const start = performance.now();
    await run();
    times.push(performance.now() - start);
  }
  return median(times);
}

/** How fast it is, for comparison with other machines. */
async function figures(backend: Backend): Promise<readonly string[]> {
  const size = 1024;
  const [a, b] = withBackend(backend, () => [values([size, size], 1), values([size, size], 2)] as const);
  // Ten products one after the other and a sum: reading the result costs little next to them.
  const chain = compile(
    (x: Tensor, y: Tensor) => sum(Array.from({ length: 10 }).reduce<Tensor>((z) => mul(matmul(z, y), 1 / size), x)),
    { backend },
  );
  const product = await timeOf(async () => {
    const result = chain(a, b);
    await result.data();
    result.dispose();
  });
  const copied = await timeOf(async () => {
    const result = withBackend(backend, () => scope(() => add(a, 1)));
    await result.data();
    result.dispose();
  });
  chain.dispose();
  for (const t of [a, b]) t.dispose();
  const net = network(backend, 28, 32, 128);
  const step = await timeOf(() => net.step(), 20);
  net.dispose();
  return [
    `products of ${size} × ${size}: ${Math.round((20 * size ** 3) / product / 1e6)} GFLOPS`,
    `an addition of ${(size ** 2 * 4) / 1e6} MB, read back: ${copied.toFixed(1)} ms`,
    `a training step of a convolutional network, 128 images of 28 × 28: ${step.toFixed(1)} ms`,
  ];
}
