/** All that training changes: how far it is, the model's variables, the optimizer's slots, the gradients that are being summed. */
import { ErmineError, scope, tensor, Variable, zeros } from "@ermine/core";
import { allocate } from "@ermine/core/backend";
import { Parameter, type Module } from "@ermine/core/nn";
import type { Cursor } from "../data/source.js";
import { loggedRates } from "../logs.js";
import type { Logs } from "../monitor.js";
import { learningRateOf, optimizersOf, type OptimizerSetup } from "../optimizers/groups.js";
import type { HostSums } from "../risk/means.js";
import { rateAt, type Rate, type Schedule, type Span, type Time } from "../schedules/schedule.js";
import type { CallbackState, EpochSums, HostState } from "./contract.js";
import { movesLookedUpRowsAlone, OptimizerState, sameGroups, type GroupState, type ParameterState } from "./optimizerState.js";

export type { GroupState } from "./optimizerState.js";

/** Variables that an update's micro-batches write before the update is taken; they write no others, so that a refused update has no effect. */
export interface Accumulated {
  /** Of ∇value, for each parameter. */
  readonly gradients: readonly Variable[];
  /** Those of `gradients` that a micro-batch adds to: the loss depends on their parameters. Known when the micro-batch was traced. */
  readonly reached: Set<Variable>;
  /** Number of lookups of each row of a table, (size, 1), for each parameter whose steps are on these rows alone; undefined for others. */
  readonly lookups: readonly (Variable | undefined)[];
  /** Σ value and Σ normalizer of each part of the loss. */
  readonly totals: Variable;
  /** Σ normalizer of each part over the whole update, known before its first micro-batch; used where there are several parts. */
  readonly normalizers: Variable;
  /** Each of the model's variables that a forward changes, as running statistics are, with what it is after the last micro-batch. */
  readonly buffers: Map<Variable, Variable>;
}

/** Those that an update begins at 0. */
const sumsOf = ({ gradients, lookups, totals, normalizers }: Accumulated): Variable[] => [
  ...gradients,
  ...lookups.filter((counts) => counts !== undefined),
  totals,
  normalizers,
];

/** Sums over the steps of an epoch. */
export interface Sums extends EpochSums {
  readonly parts: HostSums[];
  penalty: number;
  gradNorm: number;
  steps: number;
  samples: number;
  batches: number;
}

export const noSums = (): Sums => ({ parts: [], penalty: 0, gradNorm: 0, steps: 0, samples: 0, batches: 0 });

/** The logs of each epoch of a `fit`, and the loss of each update. */
export interface FitHistory {
  readonly epochs: Logs[];
  readonly steps: number[];
}

/** Fed values up to this size take finite gradients to finite steps. */
const calm = 1e6;

export class TrainingState {
  /** Batches submitted so far, refused ones too: random numbers are keyed by it. */
  batch = 0;
  /** Updates accepted so far, empty ones too: bias corrections and schedules count by it. */
  update = 0;
  /** Epochs ended so far. */
  epoch = 0;
  /** Position in the epoch's data: after the last batch taken; null between two epochs. */
  cursor: Cursor = null;
  /** Runs in flight: those that were accepted, if none that is queued is refused. */
  accepted = 0;
  /** Of the epoch that runs, or that ended last. */
  sums: Sums = noSums();
  /** Of the `fit` that runs, or that ended last. */
  history: FitHistory = { epochs: [], steps: [] };
  /** Start and length of that `fit`: what schedules of its length count in. */
  span: Span | undefined;
  /** Why a callback's `stop` has ended that `fit`. */
  stopped: string | null = null;
  /** State of its callbacks. */
  callbackStates: () => CallbackState[] = () => [];
  /** Parameters that were frozen or thawed in the middle of the epoch that training is taken up in. */
  #switchedLater: ReadonlySet<Variable> | undefined;
  /** Of the schedules that follow a metric: as JSON, by the schedule. */
  readonly schedules = new Map<Schedule, unknown>();
  /** The model's variables that a forward changes by itself (running means). */
  readonly buffers: readonly Variable[];
  readonly #model: Module;
  readonly optimizer: OptimizerSetup;
  readonly #learningRates: readonly Rate[];
  /** The learning rates where none has a schedule. */
  readonly #constantRates: readonly number[] | undefined;
  readonly #optimizerState = new OptimizerState();
  #groups: readonly GroupState[] | undefined;
  /** The model's parameters when the groups were made, and which of them were trained. */
  #begun: readonly (readonly [parameter: Parameter, trainable: boolean])[] = [];
  /** Was a value that is fed so large that finite gradients may give values that are not finite? */
  hasLargeScalars = false;
  #accumulated: Accumulated | undefined;
  #acceptedRuns: Variable | undefined;

  constructor(model: Module, optimizer: OptimizerSetup) {
    this.#model = model;
    this.optimizer = optimizer;
    this.#learningRates = optimizersOf(optimizer).map((groupOptimizer) => learningRateOf(groupOptimizer) ?? NaN);
    this.#constantRates = this.#learningRates.every((rate) => typeof rate === "number")
      ? Object.freeze(this.#learningRates)
      : undefined;
    this.buffers = model.namedVariables().flatMap(([, v]) => (v instanceof Parameter ? [] : [v]));
  }

  /** Parameters with their optimizer and its slots; none before `begin()`. */
  get groups(): readonly GroupState[] {
    return this.#groups ?? [];
  }

  /**
   * Makes the optimizer's slots, where they are not there yet. Layers may have been frozen or thawed since: then `changed` is called, since
   * the step is another one.
   */
  begin(changed?: () => void): readonly GroupState[] {
    this.#begun = this.#model.parameters().map((parameter) => [parameter, parameter.trainable]);
    const groups = this.#optimizerState.groups(this.#model, this.optimizer, this.update);
    if (this.#groups !== undefined) {
      if (sameGroups(this.#groups, groups)) return this.#groups;
      changed?.();
      this.#freeAccumulated();
    }
    return (this.#groups = groups);
  }

  /** Are there other parameters than when the groups were made, or were some frozen or thawed? */
  get hasOtherParameters(): boolean {
    const parameters = this.#model.parameters();
    const before = this.#begun;
    return (
      parameters.length !== before.length ||
      parameters.some((parameter, i) => parameter !== before[i]![0] || parameter.trainable !== before[i]![1])
    );
  }

  /** The sums of an update in several parts, made when they are first asked for. */
  accumulated(parts = 1): Accumulated {
    const make = (shape: readonly number[], name: string): Variable =>
      new Variable(zeros(shape), { name: `accumulated.${name}`, trainable: false, role: "gradientSum" });
    return (this.#accumulated ??= {
      gradients: this.groups.flatMap(({ parameters }) => parameters.map((p) => make(p.shape, p.name))),
      reached: new Set(),
      lookups: this.groups.flatMap((group) =>
        group.parameters.map((p) => (movesLookedUpRowsAlone(group) ? make([p.shape[0]!, 1], `${p.name}.lookups`) : undefined)),
      ),
      totals: make([2 * parts], "totals"),
      normalizers: make([parts], "normalizers"),
      buffers: new Map(),
    });
  }

  /** An update's micro-batches change these buffers. */
  accumulateBuffers({ buffers }: Accumulated, changed: readonly Variable[]): void {
    for (const buffer of changed) {
      if (buffers.has(buffer)) continue;
      const { name, type, shape } = buffer;
      const length = shape.reduce((a, b) => a * b, 1);
      const value = tensor(allocate(type.dtype, length), { shape, dtype: type.dtype });
      buffers.set(buffer, new Variable(value, { name: `accumulated.${name}`, trainable: false, role: "buffer" }));
    }
  }

  /** Runs in flight: those that were accepted, as the device counts them. */
  acceptedRuns(): Variable {
    return (this.#acceptedRuns ??= new Variable(tensor(Int32Array.of(this.accepted)), {
      name: "acceptedRuns",
      trainable: false,
      role: "counter",
    }));
  }

  /** Nothing is in flight, and an update's micro-batches may have been added up that is not taken: the next one begins as if it had not been. */
  dropUpdate(): void {
    scope(() => {
      for (const sum of this.#accumulated === undefined ? [] : sumsOf(this.#accumulated))
        sum.write(new Float32Array(sum.shape.reduce((a, b) => a * b, 1)));
      this.#acceptedRuns?.write(Int32Array.of(this.accepted));
    });
  }

  /** The learning rate of each group at the next update. */
  get learningRates(): readonly number[] {
    return this.learningRatesAt(this.update);
  }

  /** The learning rate of each group at an update of the epoch that runs; `step` updates were taken before it. */
  learningRatesAt(step: number): readonly number[] {
    if (this.#constantRates !== undefined) return this.#constantRates;
    const time = this.timeAt(step);
    return this.#learningRates.map((rate) => rateAt(rate, time));
  }

  /** The learning rates that are logged, at the last update that was taken in the epoch that runs. */
  loggedRates(): Readonly<Record<string, number>> {
    const time = this.timeAt(Math.max(0, this.update - 1));
    return Object.fromEntries(loggedRates(this.optimizer).map(([name, rate = NaN]) => [name, rateAt(rate, time)]));
  }

  /** Time that schedules receive at an update of the current epoch. @param step updates before it */
  timeAt(step: number): Time {
    const { epoch, schedules, span } = this;
    return span === undefined ? { step, epoch, schedules } : { step, epoch, schedules, span };
  }

  /** Length of the vector of fed scalars. */
  get scalarCount(): number {
    return Math.max(
      1,
      this.groups.reduce((total, { optimizer }) => total + optimizer.scalarCount, 0),
    );
  }

  /** Scalars that this step feeds for its optimizers. */
  scalars(): Float32Array {
    const numbers = new Float32Array(this.scalarCount);
    this.writeScalars(numbers);
    return numbers;
  }

  /** The same, into a vector of that length; at least one number, so that the feed is never empty. */
  writeScalars(target: Float32Array): void {
    const { update: step, epoch, schedules, span } = this;
    const { groups } = this;
    // At each step: a spread and an iterator cost more than the rest.
    for (let g = 0; g < groups.length; g++) {
      const { optimizer, firstScalar, skippedSteps } = groups[g]!;
      const age = step - skippedSteps;
      const values = optimizer.scalars(
        span === undefined ? { step, epoch, age, schedules } : { step, epoch, age, schedules, span },
      );
      // A few numbers: typed arrays are slow to take a list.
      for (let i = 0; i < values.length; i++) target[firstScalar + i] = values[i]!;
    }
  }

  /**
   * Checks the scalars of an update: a rate that is NaN would make every parameter NaN.
   *
   * @throws ErmineError ERMINE_NOT_FINITE that names the optimizer and its option
   */
  checkScalars(scalars: Float32Array): void {
    for (let i = 0; i < scalars.length; i++) {
      const size = Math.abs(scalars[i]!);
      if (size <= calm) continue;
      if (!Number.isFinite(size)) throw this.#notFinite(i, scalars[i]!);
      this.hasLargeScalars = true;
    }
  }

  #notFinite(i: number, scalar: number): ErmineError {
    const { update: step, epoch } = this;
    const { optimizer } = this.groups.findLast(({ firstScalar }) => firstScalar <= i)!;
    const options = Object.entries(optimizer.options);
    const bad = optimizer.rates
      .map((rate) => [rate, rateAt(rate, this.timeAt(step))] as const)
      .find(([, value]) => !Number.isFinite(value));
    const name = options.find(([, option]) => option === bad?.[0])?.[0] ?? "a rate";
    const description =
      bad === undefined ? `a value of ${scalar} for the step, out of its options in float32` : `${name} ${bad[1]}`;
    return new ErmineError(
      "ERMINE_NOT_FINITE",
      `Update ${step + 1} was not taken: ${optimizer.name} has ${description}, which is not finite. Look at its schedule at step ${step} of epoch ${epoch}.`,
    );
  }

  /** Can finite gradients give values that are not finite? A rate was very large once, or an optimizer does not say that it keeps them finite. */
  get checksWritten(): boolean {
    return this.hasLargeScalars || this.groups.some(({ optimizer: { keepsFinite = false } }) => !keepsFinite);
  }

  /** The slots of every parameter that was ever trained. */
  get parameterStates(): OptimizerState["states"] {
    return this.#optimizerState.states;
  }

  /**
   * Makes the host's part of a training what it was, with these slots.
   *
   * @param schedules the states of those that follow a log
   */
  restore(host: HostState, states: ReadonlyMap<Parameter, ParameterState>, schedules: ReadonlyMap<Schedule, unknown>): void {
    this.dispose();
    this.#optimizerState.replace(states);
    for (const [schedule, state] of schedules) this.schedules.set(schedule, state);
    const { batch, update, epoch, cursor, hasLargeScalars, sums, history, span, stopped, callbacks } = host;
    this.span = span ?? undefined;
    Object.assign(this, { batch, update, epoch, cursor, hasLargeScalars, stopped });
    this.sums = { ...noSums(), ...sums, parts: sums.parts.map((part) => ({ ...part })) };
    this.history = { epochs: [...history.epochs], steps: [...history.steps] };
    this.callbackStates = () => [...callbacks];
    const trained = host.trained === null ? undefined : new Set(host.trained);
    const frozen = new Set(host.frozen);
    const later = new Set<Variable>();
    for (const [name, parameter] of this.#model.namedParameters()) {
      parameter.trainable = trained?.has(name) ?? !frozen.has(name);
      if (parameter.trainable === frozen.has(name)) later.add(parameter);
    }
    this.#switchedLater = later;
  }

  /** A `fit` begins that does not go on from a snapshot. @param span undefined: none begins */
  beginFit(span?: Span): void {
    this.span = span;
    this.history = { epochs: [], steps: [] };
    this.sums = noSums();
    this.cursor = this.stopped = null;
    this.callbackStates = () => [];
  }

  /** The entries of the epoch that training is taken up in are made: what was frozen or thawed in the middle of it counts from the next. */
  switchFrozen(): void {
    for (const parameter of this.#switchedLater ?? []) parameter.trainable = !parameter.trainable;
    this.#switchedLater = undefined;
  }

  /** Captures the current state. @returns function that restores it and frees the tensors made since */
  mark(): () => void {
    const [groups, accumulated, undo] = [this.#groups, this.#accumulated, this.#optimizerState.mark()];
    return () => {
      // Sums that were there before were freed when their groups changed.
      if (this.#accumulated !== accumulated) this.#freeAccumulated();
      this.#groups = groups;
      undo();
    };
  }

  #freeAccumulated(): void {
    const accumulated = this.#accumulated;
    this.#accumulated = undefined;
    if (accumulated === undefined) return;
    for (const variable of [...sumsOf(accumulated), ...accumulated.buffers.values()]) variable.value.dispose();
  }

  /** Frees the slots and the sums; training begins anew, from the parameters as they are. */
  dispose(): void {
    this.#optimizerState.dispose();
    this.#freeAccumulated();
    this.#groups = undefined;
    this.schedules.clear();
    this.hasLargeScalars = false;
    this.#acceptedRuns?.value.dispose();
    this.#acceptedRuns = undefined;
    this.batch = this.update = this.epoch = this.accepted = 0;
    this.beginFit();
    this.#switchedLater = undefined;
  }
}
