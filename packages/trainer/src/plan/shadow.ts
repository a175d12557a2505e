/**
 * A second backend that follows the training: every k-th update is taken there too, from the same numbers and random bits. Where the
 * two come out differently the update is gone through op by op, and the first op that differs on the same inputs is named.
 */
import { createBackend, ErmineError, graphModule, type Backend, type GraphModule, type TypedArray } from "@ermine/core";
import type { Dataset } from "../data/dataset.js";
import { updateEntries, updateRuns, type EntryRun } from "../step/entries.js";
import type { Training } from "../step/training.js";
import type { Report, takeUpdate } from "../step/update.js";
import { changeDifference, difference } from "./difference.js";
import { firstDifferentOp } from "./firstDifferentOp.js";
import { numbersOf, stepsApart, uncompiled, type ApartSteps } from "./steps.js";

/** A second backend that checks the first during `fit`. */
export interface ShadowOptions {
  /** A backend, or the name of a registered one, which is created for this and disposed after. */
  readonly backend: Backend | string;
  /** Check each update whose number this divides. Default 100. */
  readonly every?: number;
  /** How far numbers may be apart, relative to the largest. Default 1e-3. */
  readonly tolerance?: number;
}

/** Where two backends disagree. */
export interface ShadowFinding {
  /** The update at which the backends differed. */
  readonly step: number;
  /** The op that gave different numbers for the same inputs; undefined where a compiled step differs from its own ops. */
  readonly op: string | undefined;
  /** The path of the layer whose op differed. */
  readonly layer: string;
  /** The largest difference, relative to the largest number. */
  readonly error: number;
  /** The finding as a sentence. */
  readonly message: string;
}

/** What a second backend found. */
export interface ShadowReport {
  /** The second backend's name. */
  readonly backend: string;
  /** How many updates were taken on both. */
  readonly checked: number;
  /** Where the two differed; empty where they agreed. */
  readonly findings: readonly ShadowFinding[];
}

/** What an update starts from. */
interface Before {
  readonly runs: readonly EntryRun[];
  readonly numbers: readonly TypedArray[];
}

export class Shadow {
  readonly #training: Training;
  readonly #data: Dataset;
  readonly #module: GraphModule;
  readonly #backend: Backend;
  readonly #owned: boolean;
  readonly #every: number;
  readonly #tolerance: number;
  readonly #notice: (message: string) => void;
  readonly #findings: ShadowFinding[] = [];
  #steps: ApartSteps | undefined;
  #checked = 0;

  private constructor(
    training: Training,
    data: Dataset,
    backend: Backend,
    options: ShadowOptions,
    notice: (message: string) => void,
  ) {
    this.#training = training;
    this.#data = data;
    this.#backend = backend;
    this.#owned = typeof options.backend === "string";
    this.#every = options.every ?? 100;
    this.#tolerance = options.tolerance ?? 1e-3;
    this.#notice = notice;
    const { entries } = training.engine.trace();
    this.#module = graphModule(Object.fromEntries(updateEntries(training).map((name) => [name, entries[name]!])));
  }

  /** @param training prepared for `data` */
  static async open(
    training: Training,
    data: Dataset,
    options: ShadowOptions,
    notice: (message: string) => void,
  ): Promise<Shadow> {
    const backend = typeof options.backend === "string" ? await createBackend(options.backend) : options.backend;
    if (backend === training.engine.backend) {
      throw new ErmineError(
        "ERMINE_OPTION",
        `fit: the shadow's backend is the training's own ("${backend.name}"). Take another one.`,
      );
    }
    return new Shadow(training, data, backend, options, notice);
  }

  /** Takes the training's update, and where it is one to check, on the other backend too. */
  watch(parts: readonly Int32Array[], update: () => ReturnType<typeof takeUpdate>): ReturnType<typeof takeUpdate> {
    const due = (this.#training.state.step + 1) % this.#every === 0;
    return due ? this.#watched(parts, update) : update();
  }

  async #watched(parts: readonly Int32Array[], update: () => ReturnType<typeof takeUpdate>): Promise<Report | undefined> {
    const before = { runs: updateRuns(this.#training, this.#data, parts), numbers: await numbersOf(this.#module) };
    const taken = await update();
    if (taken !== undefined) await this.#check(before, taken);
    return taken;
  }

  async #check({ runs, numbers }: Before, taken: Report): Promise<void> {
    this.#checked++;
    const after = await numbersOf(this.#module);
    const shadow = await this.#run(this.#backend, runs, numbers);
    if (this.#apart(numbers, after, shadow.numbers) === undefined && !this.#lossApart(taken, shadow.report)) return;
    const found = (await this.#byOps(runs, numbers, after)) ?? (await this.#byPrograms(runs, numbers, after, shadow.numbers));
    if (found === undefined) return;
    const known = this.#findings.some(({ op, layer }) => op === found.op && layer === found.layer);
    this.#findings.push(found);
    if (!known) this.#notice(`ermine: ${found.message}`);
  }

  get report(): ShadowReport {
    return { backend: this.#backend.name, checked: this.#checked, findings: [...this.#findings] };
  }

  close(): void {
    this.#steps?.dispose();
    if (this.#owned) this.#backend.dispose();
  }

  /** The update on a backend apart from the training. */
  async #run(
    backend: Backend,
    runs: readonly EntryRun[],
    numbers: readonly TypedArray[],
  ): Promise<{ numbers: TypedArray[]; report: ArrayLike<number> }> {
    const own = backend === this.#backend;
    const steps = (own ? this.#steps : undefined) ?? stepsApart(backend, this.#module, runs, numbers);
    if (own) this.#steps = steps;
    const { program } = steps;
    try {
      steps.write(numbers);
      let report: ArrayLike<number> = [];
      for (const { entry, feeds } of runs) {
        for (const storage of program.run(entry, feeds)) {
          report = await backend.read(storage);
          backend.release(storage);
        }
      }
      return { numbers: await Promise.all(this.#module.variables.map((_, i) => program.read(i))), report };
    } finally {
      if (!own) steps.dispose();
    }
  }

  /** The variable whose change differs most, where that is beyond the tolerance. */
  #apart(
    before: readonly TypedArray[],
    a: readonly TypedArray[],
    b: readonly TypedArray[],
  ): { readonly name: string; readonly error: number } | undefined {
    let worst: { name: string; error: number } | undefined;
    this.#module.variables.forEach(({ name }, i) => {
      const error = changeDifference(before[i]!, a[i]!, b[i]!);
      if (error > this.#tolerance && error > (worst?.error ?? 0)) worst = { name, error };
    });
    return worst;
  }

  #lossApart({ penalty, sums }: Report, shadow: ArrayLike<number>): boolean {
    const own = [penalty, ...sums.flatMap(({ value, normalizer }) => [value, normalizer])];
    // The report has whether the step was taken before these.
    return own.some((value, i) => difference([value], [shadow[i + 1]!], 1) > this.#tolerance);
  }

  async #byOps(
    runs: readonly EntryRun[],
    before: readonly TypedArray[],
    after: readonly TypedArray[],
  ): Promise<ShadowFinding | undefined> {
    const { engine, state } = this.#training;
    const { variables } = this.#module;
    const restore = (numbers: readonly TypedArray[]): void => variables.forEach((variable, i) => variable.write(numbers[i]!));
    restore(before);
    try {
      for (const { entry, feeds } of runs) {
        const found = await firstDifferentOp(engine, entry, feeds, this.#backend, this.#tolerance);
        if (found === undefined) continue;
        const { op, layer, error } = found;
        const message =
          `Update ${state.step}: ${op}${layer === "" ? "" : ` of the layer ${layer}`} gives other numbers on ${this.#backend.name} than on ` +
          `${engine.backend.name} for the same inputs: ${error.toPrecision(3)} apart, relative to the largest.`;
        return { step: state.step, op, layer, error, message };
      }
      return undefined;
    } finally {
      restore(after);
    }
  }

  /** All ops agree: then a compiled step differs from its own ops, or the step itself magnifies rounding, which is nobody's fault. */
  async #byPrograms(
    runs: readonly EntryRun[],
    before: readonly TypedArray[],
    after: readonly TypedArray[],
    shadow: readonly TypedArray[],
  ): Promise<ShadowFinding | undefined> {
    const { engine, state } = this.#training;
    for (const [backend, compiled] of [
      [engine.backend, after],
      [this.#backend, shadow],
    ] as const) {
      const { numbers } = await this.#run(uncompiled(backend), runs, before);
      const worst = this.#apart(before, numbers, compiled);
      if (worst === undefined) continue;
      const { name, error } = worst;
      const message =
        `Update ${state.step}: the compiled step of ${backend.name} gives other numbers than its own ops one by one: ${name} is ` +
        `${error.toPrecision(3)} apart, relative to its largest change. Please report this.`;
      return { step: state.step, op: undefined, layer: name, error, message };
    }
    return undefined;
  }
}
