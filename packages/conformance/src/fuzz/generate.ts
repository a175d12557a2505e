/** Programs at random: the same for the same seed. */
import { Trace } from "@ermine/core/backend";
import { Builder, Refused } from "./builder.js";
import { forms } from "./forms/index.js";
import { reached, withoutUnused, type Entry, type Gradient, type Leaf, type Program, type Ref } from "./program.js";
import { Random } from "./random.js";

interface Leaves {
  readonly inputs: Map<string, Leaf>;
  readonly variables: Map<string, Leaf>;
}

export interface GenerateOptions {
  /** Large enough for several threads. Default: one seed in fifty. */
  readonly large?: boolean;
}

/** The program of a seed. */
export function generate(seed: number, options: GenerateOptions = {}): Program {
  const random = new Random(seed);
  const some = random.chance(0.02);
  const { large = some } = options;
  const sizes = sizesOf(random, large);
  const leaves: Leaves = { inputs: new Map(), variables: new Map() };
  const count = large ? 1 : random.pick([1, 1, 1, 1, 2, 2, 3]);
  const entries = Array.from({ length: count }, () => drawEntry(random, leaves, sizes, large));
  const again = entries.some((entry) => entry.writes.length > 0) ? random.integer(0, 2) : 0;
  const calls = [
    ...random.shuffled(entries.map((_, i) => i)),
    ...Array.from({ length: again }, () => random.integer(0, count - 1)),
  ];
  const together = random.chance(0.6) ? random.shuffled(entries.map((_, i) => i)).slice(0, random.integer(2, 3)) : [];
  return withoutUnused({
    inputs: Object.fromEntries(leaves.inputs),
    variables: Object.fromEntries(leaves.variables),
    entries,
    calls,
    together: together.sort((a, b) => a - b),
  });
}

/** Two or three sizes that most axes have, so that shapes meet; 1, and seldom 0. */
function sizesOf(random: Random, large: boolean): readonly number[] {
  if (large) return [random.integer(120, 240), random.integer(120, 240), random.integer(1, 9), random.integer(1, 9)];
  const some = Array.from({ length: random.integer(1, 3) }, () => random.pick([1, 2, 2, 3, 3, 4, 4, 5, 7, 8, 9, 16, 17]));
  return [...some, ...some, ...some, random.pick([1, 1, 2]), ...(random.chance(0.06) ? [0] : [])];
}

function drawEntry(random: Random, leaves: Leaves, sizes: readonly number[], large: boolean): Entry {
  const b = new Builder(random, new Trace(), leaves, sizes, large);
  drawForms(b, large ? random.integer(1, 3) : 1 + Math.floor(7 * random.uniform() ** 1.5));
  const gradient = random.chance(0.55) ? attempt(b, () => drawGradient(b)) : undefined;
  const steps = [...b.steps];
  gradient?.sources.forEach((name, i) => b.add(`g${i}`, b.tensorOf({ ref: name })));
  if (gradient !== undefined && random.chance(0.5)) drawForms(b, random.integer(1, 2));
  gradient?.sources.forEach((name, i) => {
    if (leaves.variables.has(name) && random.chance(0.5))
      attempt(b, () => b.call("sub", { ref: name }, b.call("mul", { ref: `g${i}` }, 0.125)));
  });
  const writes = drawWrites(b, leaves);
  const commit = writes.length > 0 && random.chance(0.35) ? attempt(b, () => drawCommit(b)) : undefined;
  const after = b.steps.slice(steps.length);
  const grads = gradient?.sources.map((_, i) => `g${i}`) ?? [];
  const entry: Entry = {
    steps,
    after,
    writes,
    outputs: [],
    ...(gradient === undefined ? {} : { gradient }),
    ...(commit === undefined ? {} : { commit }),
  };
  const last = [...steps, ...after].filter(({ result }) => random.chance(0.25) || !isRead(entry, result));
  return { ...entry, outputs: [...last.map(({ result }) => result), ...grads.filter(() => random.chance(0.9))] };
}

/** Does a step read it? */
const isRead = (entry: Entry, name: string): boolean =>
  [...entry.steps, ...entry.after].some(({ result }) => result !== name && reached(entry, [result]).has(name)) ||
  entry.gradient?.of === name;

function drawForms(b: Builder, count: number): void {
  for (let [done, tries] = [0, 0]; done < count && tries < 40; tries++) {
    if (attempt(b, () => [b.random.weighted(forms).draw(b)]) !== undefined) done++;
  }
}

/** The result of fn; undefined where it does not fit, and its steps are removed. */
function attempt<T>(b: Builder, fn: () => T): T | undefined {
  const before = b.steps.length;
  try {
    return fn();
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    b.rewind(before);
    return undefined;
  }
}

/** The gradient of a scalar of one of the newest values, for leaves that it depends on. */
function drawGradient(b: Builder): Gradient | undefined {
  const { random } = b;
  const computed = b.values({ dtype: "float32" }).filter(({ ref }) => ref.startsWith("t"));
  if (computed.length === 0) return undefined;
  const of = computed[computed.length - 1 - Math.floor(random.uniform() ** 3 * computed.length)]!;
  const scalar = (): Ref => {
    const shape = b.shapeOf(of);
    if (shape.length === 0 && random.chance(0.7)) return of;
    const weighed = random.chance(0.6)
      ? b.call("mul", of, b.leaf(shape, "float32", "positive"))
      : random.chance(0.3)
        ? b.call("square", of)
        : of;
    return b.call(shape.includes(0) ? "sum" : random.pick(["sum", "sum", "mean"]), weighed);
  };
  const result = scalar();
  const entry: Entry = { steps: b.steps, after: [], writes: [], outputs: [result.ref] };
  const sources = b
    .values({ dtype: "float32" })
    .filter(({ ref }) => !ref.startsWith("t") && reached(entry, [result.ref]).has(ref));
  if (sources.length === 0) return undefined;
  return {
    of: result.ref,
    sources: random
      .shuffled(sources)
      .slice(0, random.integer(1, 3))
      .map(({ ref }) => ref),
    ...(random.chance(0.12) ? { twice: true } : {}),
  };
}

function drawWrites(b: Builder, { variables }: Leaves): Entry["writes"] {
  return [...variables].flatMap(([variable, { shape, dtype }]) => {
    if (b.random.chance(0.4)) return [];
    const fitting = b.values({ shape, dtype }).filter(({ ref }) => ref !== variable);
    return fitting.length === 0
      ? []
      : [{ variable, value: b.random.chance(0.6) ? fitting.at(-1)!.ref : b.random.pick(fitting).ref }];
  });
}

/** A bool scalar. */
function drawCommit(b: Builder): string {
  const { random } = b;
  const conditions = b.values({ dtype: "bool", shape: [] });
  if (conditions.length > 0 && random.chance(0.5)) return random.pick(conditions).ref;
  const x = b.float();
  return (random.chance(0.5) ? b.call("all", b.call("isFinite", x)) : b.call("less", b.call("sum", x), b.number())).ref;
}
