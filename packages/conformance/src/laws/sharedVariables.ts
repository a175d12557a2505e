/**
 * The law of shared variables: programs over overlapping sets of variables, made, run and ended in any order, and eager reads and writes in
 * between, all see the same elements, also where some programs are of another backend. What is computed are small whole numbers, so that every backend gives the same.
 */
import {
  add,
  clamp,
  greaterEqual,
  gather,
  logicalNot,
  min,
  scope,
  sub,
  sum,
  tensor,
  Variable,
  withBackend,
  type Backend,
  type DType,
  type Tensor,
} from "@ermine/core";
import { type Feeds, type Graph, type Program, compileModule, currentTrace, graphModule, traceEntry } from "@ermine/core/backend";
import { reference } from "@ermine/core/reference";
import { Random } from "../fuzz/random.js";
import type { Law } from "./law.js";
import { refused } from "./refused.js";

const width = 3;
const limit = 1000;
type Elements = readonly number[];

/** The update of one variable by an entry: v = a − b + x within ±1000, or v = not v. */
interface Update {
  readonly target: number;
  readonly a: number;
  readonly b: number;
}

/** A program's entries: "step" takes its updates where every x ≥ 0, "look" looks a row of a variable up and counts it, and "read" is without updates. */
interface Plan {
  readonly updates: readonly Update[];
  readonly looked: number;
}

const dtypes: readonly DType[] = ["float32", "float32", "float32", "float32", "int32", "bool"];
const numeric = 4;

const within = (n: number): number => Math.max(-limit, Math.min(limit, n));

/** The variables as the law says they are. */
class SharedElements {
  readonly values: Elements[] = dtypes.map((dtype, i) =>
    Array.from({ length: width }, (_, k) => (dtype === "bool" ? k % 2 : i + k)),
  );

  /** @returns the step's output */
  step({ updates }: Plan, x: Elements): number {
    const next = [...this.values];
    for (const { target, a, b } of updates) next[target] = x.map((n, k) => within(next[a]![k]! - next[b]![k]! + n));
    const total = updates.reduce((all, { target }) => all + next[target]!.reduce((p, q) => p + q, 0), 0);
    if (Math.min(...x) < 0) return total;
    next[4] = next[4]!.map((n) => n + 1);
    next[5] = next[5]!.map((n) => 1 - n);
    this.values.splice(0, Infinity, ...next);
    return total;
  }
}

const planOf = (random: Random): Plan => ({
  updates: Array.from({ length: random.integer(1, 3) }, () => ({
    target: random.integer(0, numeric - 1),
    a: random.integer(0, numeric - 1),
    b: random.integer(0, numeric - 1),
  })),
  looked: random.integer(0, numeric - 1),
});

function graphsOf({ updates, looked }: Plan, variables: readonly Variable[]): Readonly<Record<string, Graph>> {
  const feed = (dtype: DType, shape: readonly number[]): Tensor => currentTrace()!.feed("x", { shape, dtype, domain: "real" });
  const entry = (fn: () => Tensor): Graph => traceEntry("shared", () => [fn()]).graph;
  const step = entry(() => {
    const x = feed("float32", [width]);
    for (const { target, a, b } of updates)
      variables[target]!.value = clamp(add(sub(variables[a]!.value, variables[b]!.value), x), -limit, limit);
    const total = updates.map(({ target }) => sum(variables[target]!.value)).reduce((p, q) => add(p, q));
    variables[4]!.value = add(variables[4]!.value, 1);
    variables[5]!.value = logicalNot(variables[5]!.value);
    currentTrace()!.commitIf(greaterEqual(min(x), 0));
    return total;
  });
  const look = entry(() => {
    const variable = variables[looked]!;
    const rows = gather(variable.value, 0, feed("int32", [width]));
    variable.value = add(variable.value, 1);
    return sum(rows);
  });
  const read = entry(() => sum(variables[looked]!.value));
  return { step, look, read };
}

async function outputOf(backend: Backend, program: Program, entry: string, feeds: Feeds): Promise<number> {
  const [storage] = program.run(entry, feeds);
  const [value] = await backend.read(storage!);
  backend.release(storage!);
  return value!;
}

function same(label: string, got: ArrayLike<number>, expected: Elements): void {
  const values = Array.from(got);
  if (values.join() !== expected.join()) throw new Error(`${label} is ${values.join(", ")}, and not ${expected.join(", ")}`);
}

/** One order of events, drawn. What is wrong is said with the events so far. */
async function history(backend: Backend, seed: number): Promise<void> {
  const random = new Random(seed);
  const expected = new SharedElements();
  const make = (i: number, data: Elements): Tensor => tensor([...data], { shape: [width], dtype: dtypes[i]! });
  const variables = withBackend(backend, () => expected.values.map((data, i) => new Variable(make(i, data), { name: `v${i}` })));
  /** Some programs are of another backend. */
  const isMixed = backend.readSync !== undefined && seed % 2 === 0;
  const other = reference();
  const programs: { readonly plan: Plan; readonly on: Backend; readonly program: Program }[] = [];
  const events: string[] = [];
  const vector = (least: number): number[] => Array.from({ length: width }, () => random.integer(least, 9));

  const freed = (fn: () => void): void => withBackend(backend, () => scope(fn));
  const readAll = async (): Promise<void> => {
    for (const [i, variable] of variables.entries()) same(`v${i}`, await variable.data(), expected.values[i]!);
  };
  const actions: Readonly<Record<string, () => Promise<void> | void>> = {
    compile() {
      const plan = planOf(random);
      const on = isMixed && random.chance(0.5) ? other : backend;
      programs.push({ plan, on, program: compileModule(on, graphModule(graphsOf(plan, variables))) });
    },
    async step() {
      if (programs.length === 0) return;
      const { plan, on, program } = random.pick(programs);
      const x = vector(random.chance(0.2) ? -9 : 0);
      const feeds = { x: { shape: [width], value: Float32Array.from(x) } };
      const got = await outputOf(on, program, "step", feeds);
      same("the step's output", [got], [expected.step(plan, x)]);
    },
    async look() {
      if (programs.length === 0) return;
      const { plan, on, program } = random.pick(programs);
      const index = vector(0).map((n) => n % width);
      const isBad = random.chance(0.4);
      if (isBad) index[random.integer(0, width - 1)] = 7;
      const feeds = { x: { shape: [width], value: Int32Array.from(index) } };
      const before = expected.values[plan.looked]!;
      if (isBad) {
        await refused(() => outputOf(on, program, "look", feeds));
        return;
      }
      const got = await outputOf(on, program, "look", feeds);
      same("what was looked up", [got], [index.reduce((total, i) => total + before[i]!, 0)]);
      expected.values[plan.looked] = before.map((n) => n + 1);
    },
    async read() {
      if (programs.length === 0) return;
      const { plan, on, program } = random.pick(programs);
      const total = expected.values[plan.looked]!.reduce((a, b) => a + b, 0);
      same("a program's read", [await outputOf(on, program, "read", {})], [total]);
    },
    async dispose() {
      if (programs.length > 0) programs.splice(random.integer(0, programs.length - 1), 1)[0]!.program.dispose();
    },
    write() {
      const i = random.integer(0, dtypes.length - 1);
      const data = vector(0).map((n) => (dtypes[i] === "bool" ? n % 2 : n));
      expected.values[i] = data;
      const isWrite = random.chance(0.5);
      freed(() => {
        if (isWrite) variables[i]!.write(data);
        else variables[i]!.value = make(i, data);
      });
    },
    async copy() {
      const [to, from] = [random.integer(0, numeric - 1), random.integer(0, numeric - 1)];
      expected.values[to] = expected.values[from]!;
      // A tensor of another backend is refused, and told to be copied.
      const data = await variables[from]!.data();
      freed(() => {
        if (isMixed) variables[to]!.write(data);
        else variables[to]!.value = variables[from]!.value;
      });
    },
    lookAtAll: readAll,
  };
  const names = ["compile", "step", "step", "step", "look", "read", "dispose", "write", "copy", "lookAtAll"];
  try {
    for (let i = 0; i < 40; i++) {
      const name = programs.length > 4 ? "dispose" : random.pick(names);
      events.push(name);
      await actions[name]!();
    }
    await readAll();
    for (const { program } of programs.splice(0)) program.dispose();
    await readAll();
  } catch (error) {
    throw new Error(`after ${events.join(", ")}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  } finally {
    for (const { program } of programs) program.dispose();
    for (const variable of variables) variable.value.dispose();
  }
}

const seeds = Array.from({ length: 10 }, (_, i) => i + 1);

export const variablesAreShared: Law = {
  name: "programs share their variables",
  trials: () =>
    seeds.map((seed) => ({
      name: `in the order ${seed}`,
      async check(backend) {
        await history(backend, seed);
        const before = backend.memory();
        await history(backend, seed);
        const after = backend.memory();
        if (after.tensors <= before.tensors && after.bytes <= before.bytes) return;
        throw new Error(`${after.tensors - before.tensors} tensors and ${after.bytes - before.bytes} bytes are left behind`);
      },
    })),
};
