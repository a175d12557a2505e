/** One step of a loop, or a branch of a conditional, traced: what it reads from outside becomes explicit inputs. */
import { context, within, type ExecutionContext } from "../dispatch/context.js";
import { Tape, type GradientRules } from "../dispatch/tape.js";
import { Trace } from "../dispatch/trace.js";
import { eliminateDead } from "../ir/dead.js";
import type { Graph, GraphVariable, Value } from "../ir/graph.js";
import { reshape } from "../ops/shape.js";
import type { Size } from "../types/dim.js";
import { ErmineError } from "../types/errors.js";
import type { TensorType } from "../types/storage.js";
import { Tensor, typeOf } from "../types/tensor.js";
import { keyOf } from "../types/views.js";

/** An input of the body. */
export interface BodyInput {
  /** The tensor that the loop or conditional is given for it; undefined while only the body is looked at. */
  readonly outer: Tensor | undefined;
  /** The tensor that operations of the body have it as. */
  readonly inner: Tensor;
  /** Its place in the body's graph. */
  readonly feed: Tensor;
}

/**
 * What there is outside of a tensor that another body computes: the sequence of all its steps, or what a branch has put out. `outer` is undefined while only the
 * body is looked at.
 */
export type Sequences = (t: Tensor) => { readonly outer: Tensor | undefined } | undefined;

/** Where a body is traced. */
export interface BodyPlace {
  /** How many steps the loop has; absent: it is a branch, which runs once. */
  readonly length?: Size;
  /** What other bodies compute and operations of this one read. Default: none. */
  readonly sequences?: Sequences;
  /** The rules that its own gradient is made by; absent: none is asked for. */
  readonly rules?: GradientRules | undefined;
}

type Surroundings = Pick<ExecutionContext, "trace" | "tapes" | "firstTape" | "region">;

/** The trace of one step, or of a branch. Operations on tensors from outside read inputs of the body instead. */
export class BodyTrace extends Trace {
  /** The state that is carried from step to step. */
  readonly carried: BodyInput[] = [];
  /** Of what the step has its own elements; of a branch, values that another branch has computed. */
  readonly sequences: BodyInput[] = [];
  /** Captured tensors, the same in all steps, by the tensor outside. */
  readonly shared = new Map<Tensor, BodyInput>();
  /** The tape of the body, for its gradient. */
  readonly tape: Tape | undefined;
  readonly #length: Size | undefined;
  readonly #sequenceOf: Sequences | undefined;
  readonly #variables = new Map<GraphVariable, Tensor>();
  /** Eager tensors that the body made: constants. */
  readonly #constants = new Set<Tensor>();
  readonly #outside: Surroundings;

  constructor({ length, sequences, rules }: BodyPlace) {
    super();
    const { trace, tapes, firstTape, region } = context;
    this.#outside = { trace, tapes, firstTape, region };
    this.#length = length;
    this.#sequenceOf = sequences;
    this.tape = rules && new BodyTape(rules, this, ordersOf(tapes.slice(firstTape)));
  }

  /** @throws where the body is a branch */
  get length(): Size {
    return this.#length!;
  }

  /** All inputs, in the order of the graph's feeds. */
  get inputs(): readonly BodyInput[] {
    return [...this.carried, ...this.sequences, ...this.shared.values()];
  }

  get mayNotRun(): boolean {
    return this.#length === undefined || this.#outside.trace?.mayNotRun === true;
  }

  /** Runs fn as the body. */
  step<T>(fn: () => T): T {
    const inside: Surroundings = {
      trace: this,
      tapes: this.tape === undefined ? [] : [this.tape],
      firstTape: 0,
      region: this.#constants,
    };
    return surrounded(inside, fn);
  }

  /** Runs fn as what surrounds the loop does. */
  outside<T>(fn: () => T): T {
    return surrounded(this.#outside, fn);
  }

  /** Do gradients of what surrounds the loop flow to this tensor? */
  isFollowed(t: Tensor | undefined): boolean {
    if (t === undefined || t.dtype !== "float32") return false;
    const { tapes, firstTape } = this.#outside;
    return tapes.slice(firstTape).some((tape) => tape.watched.has(keyOf(t)));
  }

  /** Do gradients flow to this tensor, which is none of the body's, from the body? */
  isFollowedInside(t: Tensor): boolean {
    if (t.dtype !== "float32" || this.#isOwn(t)) return false;
    const sequence = this.#sequenceOf?.(t);
    return this.isFollowed(sequence === undefined ? t : sequence.outer);
  }

  #isOwn(t: Tensor): boolean {
    if (t.state.kind === "traced") return t.state.trace === this;
    for (const constant of this.#constants) if (constant.state === t.state) return true;
    return false;
  }

  /** One more value that goes from step to step. @param outer what it is before the first */
  carry(type: TensorType, outer: Tensor | undefined): Tensor {
    const feed = this.feed(`carry ${this.carried.length}`, type);
    this.carried.push({ outer, inner: feed, feed });
    return feed;
  }

  /** One more sequence, or one more value of another branch. @param inner the tensor that operations of the body have it as; default: the one that is returned */
  sequence(type: TensorType, outer: Tensor | undefined, inner?: Tensor): Tensor {
    const feed = this.feed(`step ${this.sequences.length}`, type);
    this.sequences.push({ outer, inner: inner ?? feed, feed });
    return feed;
  }

  /** Gradients of the body flow to this input of it. */
  follow(t: Tensor): void {
    this.tape?.watched.add(keyOf(t));
  }

  drawEachStep(draw: (steps: Size) => Tensor): Tensor | undefined {
    const counters = context.random?.counters;
    if (counters !== undefined && this.#isOwn(counters)) return undefined;
    // A branch draws once, whether it is taken or not: what comes after it has the same random numbers either way.
    if (this.#length === undefined)
      return this.outside(() => {
        const once = draw(1);
        return reshape(once, once.shape.slice(1));
      });
    const length = this.#length;
    const all = this.outside(() => draw(length));
    return this.sequence({ ...typeOf(all), shape: all.shape.slice(1) }, all);
  }

  override valueOf(t: Tensor): Value {
    if (this.#isOwn(t)) return super.valueOf(t);
    return super.valueOf(this.#input(t));
  }

  /** The input that stands for a tensor from outside. */
  #input(t: Tensor): Tensor {
    const key = keyOf(t);
    const captured = this.sequences.find(({ inner }) => inner === key) ?? this.shared.get(key);
    if (captured !== undefined) return captured.feed;
    if (t.state.kind === "traced") {
      const { node, index } = t.state.value as Value;
      // A fill is made again.
      if (node.kind === "op" && node.inputs.length === 0 && t.state.trace !== this.#outside.trace)
        return this.add(
          node.op,
          [],
          node.attributes,
          node.outputs.map(({ type }) => type),
        )[index]!;
    }
    const sequence = this.#sequenceOf?.(t);
    if (sequence !== undefined) return this.sequence(typeOf(t), sequence.outer, key);
    const feed = this.feed(`shared ${this.shared.size}`, typeOf(t));
    this.shared.set(key, { outer: t, inner: key, feed });
    return feed;
  }

  override readVariable(variable: GraphVariable): Tensor {
    let value = this.#variables.get(variable);
    if (value === undefined) {
      const { trace } = this.#outside;
      value = trace === undefined ? variable.eagerValue() : trace.readVariable(variable);
      this.#variables.set(variable, value);
    }
    return value;
  }

  override writeVariable(variable: GraphVariable): void {
    throw new ErmineError(
      "ERMINE_USAGE",
      this.#length === undefined
        ? `A branch of cond writes ${variable.name}, and a program's variables have new values whichever branch is taken. ` +
            "Let both branches return the new value (one of them the old one), and write the variable after cond."
        : `The body of a loop writes ${variable.name}, and a variable has one new value after a step of training, not one for each step of a loop. ` +
            "Let what changes go from step to step: make it part of the carry, and write the variable after the loop.",
    );
  }

  override require(label: string, count: Parameters<Trace["require"]>[1]): void {
    if (!this.mayNotRun) this.#outside.trace?.require(label, count);
  }

  override requireValues(t: Tensor, check: Parameters<Trace["requireValues"]>[1]): void {
    if (!this.mayNotRun && !this.#isOwn(t)) this.#outside.trace?.requireValues(t, check);
  }

  /**
   * The body's graph.
   *
   * @param outputs of a step, what goes on to the next one, then what is stacked
   * @param feeds its inputs; default: those that there are, in their order
   */
  graph(outputs: readonly Tensor[], feeds: readonly Tensor[] = this.inputs.map(({ feed }) => feed)): Graph {
    const graph = this.finish(outputs);
    return eliminateDead({ ...graph, feeds: feeds.map((feed) => super.valueOf(feed).node as Graph["feeds"][number]) });
  }
}

/** How often what they note is differentiated. */
export const ordersOf = (tapes: readonly Tape[]): number => tapes.reduce((sum, { orders }) => sum + orders, 0);

function surrounded<T>({ trace, tapes, firstTape, region }: Surroundings, fn: () => T): T {
  return within("trace", trace, () =>
    within("tapes", tapes, () => within("firstTape", firstTape, () => within("region", region, fn))),
  );
}

/** A body's tape: tensors from outside are followed where tapes outside follow them. */
class BodyTape extends Tape {
  override readonly watched: Set<Tensor>;
  override readonly orders: number;

  constructor(rules: GradientRules, trace: BodyTrace, orders: number) {
    super(rules);
    this.orders = orders;
    this.watched = new WatchedFrom(trace);
  }
}

class WatchedFrom extends Set<Tensor> {
  readonly #trace: BodyTrace;

  constructor(trace: BodyTrace) {
    super();
    this.#trace = trace;
  }

  override has(t: Tensor): boolean {
    return super.has(t) || this.#trace.isFollowedInside(t);
  }
}
