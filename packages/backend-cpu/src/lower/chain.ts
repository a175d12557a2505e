/**
 * A chain: pointwise steps of one size that run together, a block of elements at a time, so that what is between them never leaves the
 * first-level cache. compiled/fuse.ts makes them; assembly/chain.ts runs them.
 */
import { ErmineError } from "@ermine/core";
import type { Op } from "@ermine/core/define";
import type { Emitter } from "../emitter.js";
import { float } from "../emitter.js";
import { stepForms } from "../generated/instructions.js";
import { collapse, contiguous, sizeOf, type Lowering, type Operand } from "./operand.js";
import { costOfStep, type Step } from "./pointwise.js";
import { splitRange } from "./split.js";

/** Where a step's operand comes from: an earlier step, or a view of an input. */
export type Source = { readonly step: number } | { readonly input: number; readonly view: View };

/** Numbers of a tensor as a chain reads them: its element (i, j, …) is the one at offset + i·strides[0] + j·strides[1] + …. */
export interface View {
  readonly offset: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
}

export interface ChainStep {
  readonly step: Step;
  readonly sources: readonly Source[];
}

export interface Chain {
  readonly count: number;
  readonly steps: readonly ChainStep[];
  /** Which step each output is. */
  readonly outputs: readonly number[];
}

/** The op that a chain is in a graph. Its meaning is its attribute's steps. */
export const chainOp: Op = {
  name: "chain",
  inputs: [{ name: "operands", variadic: true, optional: true }],
  infer() {
    throw new ErmineError("ERMINE_USAGE", "chain is made by the cpu backend's compiler and has no shape rule.");
  },
};

/** Elements of a block: 2 KB, so that a dozen of them stay in the first-level cache, shared with another thread perhaps. */
const standardBlock = 512;

/** A place that a step reads or writes. */
interface StepOperand {
  readonly address: number;
  /** Goes on with the elements; a temporary and a single element stay. */
  readonly moves: boolean;
  readonly single?: boolean;
}

/** Is it one element, repeated? */
export const isSingle = ({ strides, shape }: View): boolean => strides.every((stride, axis) => stride === 0 || shape[axis] === 1);

/** Is it all numbers, each at its own place? */
function isWhole({ offset, shape, strides }: View): boolean {
  const packed = contiguous(shape);
  return offset === 0 && strides.every((stride, axis) => stride === packed[axis] || shape[axis] === 1);
}

export const chain: Lowering = {
  dtypes: [],
  inPlace: true,
  readsOwnPlace: (input, attributes) =>
    (attributes["chain"] as Chain).steps.every(({ sources }) =>
      sources.every((source) => "step" in source || source.input !== input || isWhole(source.view)),
    ),
  emit(e, inputs, outputs, attributes) {
    const plan = attributes["chain"] as Chain;
    if (plan.count === 0) return;
    const { prologue, body, block } = compose(e, plan, inputs as readonly Operand[], outputs);
    splitRange(e, plan.count, costOf(plan), block, (from, size) => {
      e.emit("chain", from, from + size, block, prologue.length, ...prologue, ...body);
    });
  },
};

/** Numbers that an element stands for: in the cache a cheap step is half a number's way, a costly one several. */
const costOf = ({ steps }: Chain): number => steps.reduce((sum, { step }) => sum + costOfStep(step) / 2, 1);

/** The words of the steps: those that need to run once, those that run for each block. */
function compose(
  e: Emitter,
  { count, steps, outputs: results }: Chain,
  inputs: readonly Operand[],
  outputs: readonly Operand[],
): { prologue: number[]; body: number[]; block: number } {
  const spreads = spreadViews(steps);
  const block = blockOf(count, spreads);
  const temporaries = new Temporaries(e, Math.min(block, count));
  const prologue: number[] = [];
  const body: number[] = [];
  const lastUse = new Map<number, number>();
  steps.forEach(({ sources }, i) => {
    for (const source of sources) if ("step" in source) lastUse.set(source.step, i);
  });
  const places: StepOperand[] = [];
  const loadedPlaces = new Map<string, StepOperand>();
  const late: number[] = [];

  /** An input as the kernels can read it: side by side, or one number; anything else is spread into a temporary. */
  const placeOf = (source: Source, singles: boolean, at: number): { place: StepOperand; release: boolean } => {
    if ("step" in source) return { place: places[source.step]!, release: lastUse.get(source.step) === at };
    const { input, view } = source;
    const address = inputs[input]!.address + 4 * view.offset;
    const single = isSingle(view);
    if (count > 1 && single && singles) return { place: { address, moves: false, single: true }, release: false };
    const { shape, strides } = collapse(view.shape, view.strides);
    if (shape.length === 1 && (strides[0]![0] === 1 || count === 1)) return { place: { address, moves: true }, release: false };
    const once = repeats(view, block);
    const key = `${address}:${shape.join()}:${strides[0]!.join()}`;
    const loadedPlace = loadedPlaces.get(key);
    if (loadedPlace !== undefined) return { place: loadedPlace, release: false };
    const place: StepOperand = { address: once ? temporaries.fresh() : temporaries.take(), moves: false };
    const words = single
      ? [headerOf(stepForms.move.code, 0, [place, { address, moves: false, single: true }], 3), place.address, address]
      : [
          headerOf(stepForms.spread.code, 0, [place], 4 + 2 * shape.length),
          place.address,
          address,
          shape.length,
          ...shape,
          ...strides[0]!,
        ];
    (once ? prologue : body).push(...words);
    // A temporary that is computed once stays; one of each block is computed again by its next reader.
    if (once) loadedPlaces.set(key, place);
    return { place, release: !once };
  };

  steps.forEach(({ step, sources }, i) => {
    const form = stepForms[step.family];
    const operands = sources.map((source) => placeOf(source, form.single, i));
    const released = new Set(operands.filter(({ release, place }) => release && !place.moves).map(({ place }) => place.address));
    released.forEach((address) => temporaries.give(address));
    const output = results.indexOf(i);
    const overwrites = output >= 0 && readLater(steps, inputs, outputs[output]!.address, i);
    const dst: StepOperand =
      output >= 0 && !overwrites
        ? { address: outputs[output]!.address, moves: true }
        : { address: temporaries.take(), moves: false };
    if (overwrites) {
      late.push(i);
      lastUse.set(i, steps.length);
    }
    places.push(dst);
    if (output < 0 && lastUse.get(i) === undefined) temporaries.give(dst.address);
    const options = [step.p ?? 0, step.q ?? 0].slice(0, form.options).map(float);
    const all = [dst, ...operands.map(({ place }) => place)];
    body.push(
      headerOf(form.code, step.kind, all, 1 + all.length + options.length),
      ...all.map(({ address }) => address),
      ...options,
    );
  });
  for (const i of late) {
    const dst: StepOperand = { address: outputs[results.indexOf(i)]!.address, moves: true };
    body.push(headerOf(stepForms.move.code, 0, [dst, places[i]!], 3), dst.address, places[i]!.address);
  }
  return { prologue, body, block };
}

function headerOf(kindOf: number, kind: number, places: readonly StepOperand[], words: number): number {
  let flags = 0;
  places.forEach(({ moves, single }, i) => {
    if (moves) flags |= 1 << i;
    if (single === true) flags |= 16 << i;
  });
  return kindOf | (kind << 4) | (flags << 16) | (words << 24);
}

/** Does a later step read an input at this address? Then it cannot be written yet. */
function readLater(steps: readonly ChainStep[], inputs: readonly Operand[], address: number, at: number): boolean {
  return steps.some(({ sources }, i) => i > at && sources.some((s) => "input" in s && inputs[s.input]!.address === address));
}

function spreadViews(steps: readonly ChainStep[]): View[] {
  return steps.flatMap(({ sources }) => sources.flatMap((s) => ("view" in s && !isSingle(s.view) ? [s.view] : [])));
}

/** After how many elements a view that only repeats begins again. 0: it does not. */
function period(view: View): number {
  const { shape, strides } = collapse(view.shape, view.strides);
  return strides[0]![0] === 0 ? sizeOf(shape.slice(1)) : 0;
}

/** Is a view the same in every block? */
const repeats = (view: View, block: number): boolean => isSingle(view) || (period(view) > 0 && block % period(view) === 0);

/** A block, whole vectors, that repeats the rows which are spread, where they are short enough. */
function blockOf(count: number, views: readonly View[]): number {
  let unit = 4;
  for (const view of views) {
    const viewPeriod = period(view);
    const joint = viewPeriod === 0 ? unit : (unit * viewPeriod) / divisor(unit, viewPeriod);
    if (joint <= 2 * standardBlock) unit = joint;
  }
  const block = Math.max(1, Math.floor(standardBlock / unit)) * unit;
  return Math.min(block, Math.ceil(count / unit) * unit);
}

const divisor = (a: number, b: number): number => (b === 0 ? a : divisor(b, a % b));

/** Blocks of a thread's scratch, given back and taken again. */
class Temporaries {
  readonly #e: Emitter;
  readonly #words: number;
  readonly #free: number[] = [];
  #taken = 0;

  constructor(e: Emitter, block: number) {
    this.#e = e;
    // Eight behind the end, for the last vector.
    this.#words = Math.ceil((block + 8) / 16) * 16;
  }

  take(): number {
    return this.#free.pop() ?? this.fresh();
  }

  /** One that nobody had: what is made before the first block must not lie where a step writes. */
  fresh(): number {
    return this.#e.scratch(this.#words, this.#words * this.#taken++);
  }

  give(address: number): void {
    if (!this.#free.includes(address)) this.#free.push(address);
  }
}
