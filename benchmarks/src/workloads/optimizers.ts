/**
 * Optimizers' steps on 1 M parameters, cpu, one thread: the kernels that the build makes of their definitions, and chains that are interpreted. Each
 * takes turns with adamw's kernel in this process, and has a bound, which is in times of that.
 */
import { cpu, type CpuBackend } from "@ermine/backend-cpu";
import { full, matmul, transpose, Variable, withBackend, type Tensor } from "@ermine/core";
import { type Executable, type Feeds, type TensorType, compileModule, graphModule, traceEntry } from "@ermine/core/backend";
import * as t from "@ermine/trainer";
import type { Optimizer } from "@ermine/trainer";
import { summarize } from "../statistics.js";
import { digits, type Section } from "../table.js";
import type { Report, Setting, Workload } from "./workload.js";

interface Case {
  readonly name: string;
  readonly optimizer: Optimizer;
  /** What an element moves, in bytes, and how many roots and divisions it takes. adamw: 28, 2. */
  readonly bytes: number;
  readonly costly: number;
  /** Times adamw's kernel, where it is not a multiple of what is moved and computed. */
  readonly bound?: number;
}

/** Generated kernels may take 15 % more than adamw's for what they move or compute; interpreted chains two and a half times adamw's for what they move. */
const [generatedBound, interpretedBound] = [1.15, 2.5];

const adamwCase: Case = { name: "adamw", optimizer: t.adamw(), bytes: 28, costly: 2 };

const generated: readonly Case[] = [
  { name: "sgd", optimizer: t.sgd(), bytes: 12, costly: 0 },
  { name: "sgd, momentum", optimizer: t.sgd({ momentum: 0.9 }), bytes: 20, costly: 0 },
  { name: "adam", optimizer: t.adam(), bytes: 28, costly: 2 },
  adamwCase,
  { name: "rmsprop", optimizer: t.rmsprop(), bytes: 20, costly: 2 },
  { name: "adagrad", optimizer: t.adagrad(), bytes: 20, costly: 2 },
  { name: "adadelta", optimizer: t.adadelta(), bytes: 28, costly: 3 },
  { name: "adamax", optimizer: t.adamax(), bytes: 28, costly: 1 },
  { name: "nadam", optimizer: t.nadam(), bytes: 28, costly: 2 },
  { name: "radam", optimizer: t.radam(), bytes: 28, costly: 2 },
  { name: "lion", optimizer: t.lion({ weightDecay: 0.1 }), bytes: 20, costly: 0, bound: 1 },
  { name: "asgd", optimizer: t.asgd(), bytes: 20, costly: 0, bound: 1 },
  // Three signs and three choices an element: arithmetic, not memory.
  { name: "rprop", optimizer: t.rprop(), bytes: 28, costly: 0, bound: 2.4 },
];

const rate = t.scaleByLearningRate(1e-6);
const interpreted: readonly Case[] = [
  { name: "adamw, as a chain", optimizer: t.chain(t.scaleByAdam(), t.addDecayedWeights(0.01), rate), bytes: 28, costly: 2 },
  { name: "sgd with momentum, as a chain", optimizer: t.chain(t.applyMomentum(0.9), rate), bytes: 20, costly: 0 },
  { name: "rmsprop, as a chain", optimizer: t.chain(t.scaleByRms(), rate), bytes: 20, costly: 2 },
  {
    name: "lion, as a chain",
    optimizer: t.chain(t.scaleByLion(), t.addDecayedWeights(0.1), rate),
    bytes: 20,
    costly: 0,
    bound: 2.5,
  },
  // Norms of the parameter and of its update: three passes more.
  { name: "lamb", optimizer: t.lamb(), bytes: 28, costly: 2, bound: 5 },
  // Means of rows and columns, and two norms.
  { name: "adafactor", optimizer: t.adafactor(), bytes: 12, costly: 2, bound: 5 },
];

/** 15 products of the parameter's size, and what stands between them. */
const muonBound = 2;

const real = (shape: readonly number[]): TensorType => ({ shape, dtype: "float32", domain: "real" });

/** A program that takes the optimizer's step on one parameter of that shape. */
function program(backend: CpuBackend, optimizer: Optimizer, shape: readonly number[]): () => void {
  const variable = (of: readonly number[], value: number): Variable => withBackend(backend, () => new Variable(full(of, value)));
  const [p, g] = [variable(shape, 0.5), variable(shape, 0.1)];
  const slots = Object.values(optimizer.slots(shape)).map((slot) =>
    variable(slot.shape, slot.start === "parameter" ? 0.5 : slot.start),
  );
  const { graph } = traceEntry("step", (trace) => {
    const scalars = trace.feed("scalars", real([optimizer.scalarCount]));
    const next = optimizer.update({ parameters: [p.value], slots: [slots.map(({ value }) => value)] }, [g.value], scalars);
    p.value = next.parameters[0]!;
    slots.forEach((slot, i) => (slot.value = next.slots[0]![i]!));
    return [];
  });
  const executable = compileModule(backend, graphModule({ step: graph })) as Executable;
  const values = new Float32Array(optimizer.scalarCount);
  const feeds: Feeds = { scalars: { shape: [values.length], value: values } };
  let step = 0;
  return () => {
    values.set(optimizer.scalars({ step: step++, epoch: 0 }));
    executable.runSync!("step", feeds);
  };
}

/** Seconds of each program's shortest turn, the programs taking turns. */
function measure(programs: readonly (() => void)[], rounds: number): readonly number[] {
  const times = programs.map((): number[] => []);
  for (const run of programs) run();
  for (let round = 0; round < rounds; round++) {
    programs.forEach((run, i) => {
      const started = performance.now();
      run();
      times[i]!.push((performance.now() - started) / 1000);
    });
  }
  return times.map((list) => summarize(list).min);
}

/** One step's products alone: Newton and Schulz' iteration is five times three. */
function products(backend: CpuBackend, size: number): () => void {
  const { graph } = traceEntry("products", (trace) => {
    let y: Tensor = trace.feed("x", real([size, size]));
    for (let i = 0; i < 15; i++) y = matmul(y, transpose(y));
    return [y];
  });
  const executable = compileModule(backend, graphModule({ products: graph }));
  const feeds = { x: { shape: [size, size], value: new Float32Array(size * size).fill(1e-3) } };
  return () => void executable.runSync!("products", feeds);
}

/** Seconds of a step of each of two programs, alone in the memory of a backend: with many others, pages lie where they evict each other. */
async function pair(rounds: number, first: Make, second: Make): Promise<readonly [number, number]> {
  const backend = await cpu({ threads: 1 });
  try {
    const times = measure([first(backend), second(backend)], rounds);
    return [times[0]!, times[1]!];
  } finally {
    backend.dispose();
  }
}

type Make = (backend: CpuBackend) => () => void;

async function run({ small, pace }: Setting): Promise<Report> {
  const side = small ? 32 : 1024;
  const count = side * side;
  const reference: Make = (backend) => program(backend, adamwCase.optimizer, [count]);
  const row = async ({ name, optimizer, bytes, costly, bound }: Case, share: number) => {
    const shape = name === "adafactor" ? [side, side] : [count];
    const [unit, time] = await pair(pace.rounds, reference, (backend) => program(backend, optimizer, shape));
    const ratio = time / unit;
    const allowed = bound ?? share * Math.max(bytes / adamwCase.bytes, costly / adamwCase.costly);
    const within = ratio <= allowed;
    return { cells: [name, digits((time * 1e9) / count), ratio.toFixed(2), allowed.toFixed(2), within ? "yes" : "no"], within };
  };
  const rows = async (cases: readonly Case[], share: number) => {
    const results: Awaited<ReturnType<typeof row>>[] = [];
    for (const each of cases) results.push(await row(each, share));
    return results;
  };
  const section = (title: string, head: readonly string[], rows: readonly { cells: string[]; within: boolean }[]): Section => ({
    title,
    head,
    rows: rows.map(({ cells }) => cells),
    data: rows.map(({ cells: [name, ...values], within }) => ({ name, values: values.slice(0, 3).map(Number), within })),
  });
  const head = ["", "min ns an element", "/ adamw", "bound", "within"];
  const [alone, muon] = await pair(
    Math.min(pace.rounds, 3),
    (backend) => products(backend, side),
    (backend) => program(backend, t.muon(), [side, side]),
  );
  const ratio = muon / alone;
  return {
    workload: "optimizers",
    title: `one step on ${count.toLocaleString("en-US")} parameters, cpu, one thread`,
    sections: [
      section("Kernels made of the definitions", head, await rows(generated, generatedBound)),
      section("Interpreted chains, and optimizers with reductions", head, await rows(interpreted, interpretedBound)),
      section(
        "With products",
        ["", "min ms", "/ its products", "bound", "within"],
        [
          {
            cells: ["muon", digits(muon * 1000), ratio.toFixed(2), muonBound.toFixed(2), ratio <= muonBound ? "yes" : "no"],
            within: ratio <= muonBound,
          },
        ],
      ),
    ],
  };
}

export const optimizers: Workload = { name: "optimizers", run };
