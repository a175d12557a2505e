/**
 * A second backend that follows the training: every k-th update is taken there too, from the same numbers and random bits. Where the
 * two come out differently the update is gone through op by op, and the first op that differs on the same inputs is named.
 */
import { createBackend, ErmineError, type Backend, type TypedArray } from "@ermine/core";
import { type GraphModule, graphModule } from "@ermine/core/backend";
import type { Batch } from "../data/source.js";
import type { StepReport } from "../step/contract.js";
import { updateEntries } from "../step/entries.js";
import { updateRuns, type EntryRun } from "../step/feeds.js";
import type { Training } from "../step/training.js";
import { changeDifference, difference } from "./difference.js";
import { firstDifferentOp } from "./firstDifferentOp.js";
import type { ShadowFinding, ShadowOptions, ShadowReport } from "./shadowReport.js";
import { numbersOf, detachedSteps, uncompiled, type DetachedSteps } from "./steps.js";

/** State before an update. */
interface Before {
  readonly runs: readonly EntryRun[];
  readonly numbers: readonly TypedArray[];
}

export class Shadow {
  readonly #training: Training;
  readonly #module: GraphModule;
  readonly #backend: Backend;
  readonly #owned: boolean;
  readonly #every: number;
  readonly #tolerance: number;
  readonly #notice: (message: string) => void;
  readonly #findings: ShadowFinding[] = [];
  #steps: DetachedSteps | undefined;
  #checked = 0;

  private constructor(training: Training, backend: Backend, options: ShadowOptions, notice: (message: string) => void) {
    this.#training = training;
    this.#backend = backend;
    this.#owned = typeof options.backend === "string";
    this.#every = options.every ?? 100;
    this.#tolerance = options.tolerance ?? 1e-3;
    this.#notice = notice;
    const { entries } = training.engine.trace();
    this.#module = graphModule(Object.fromEntries(updateEntries(training).map((name) => [name, entries[name]!])));
  }

  /** @param training prepared for its data */
  static async open(training: Training, options: ShadowOptions, notice: (message: string) => void): Promise<Shadow> {
    const backend = typeof options.backend === "string" ? await createBackend(options.backend) : options.backend;
    if (backend === training.engine.backend) {
      throw new ErmineError(
        "ERMINE_OPTION",
        `fit: the shadow's backend is the training's own ("${backend.name}"). Take another one.`,
      );
    }
    return new Shadow(training, backend, options, notice);
  }

  /** Takes the training's update, and where it is one to check, on the other backend too. */
  watch(parts: readonly Batch[], update: () => StepReport | Promise<StepReport>): StepReport | Promise<StepReport> {
    const isDue = (this.#training.state.update + 1) % this.#every === 0;
    return isDue ? this.#watched(parts, update) : update();
  }

  async #watched(parts: readonly Batch[], update: () => StepReport | Promise<StepReport>): Promise<StepReport> {
    const before = { runs: updateRuns(this.#training, parts), numbers: await numbersOf(this.#module) };
    const stepReport = await update();
    if (stepReport.verdict === "taken") await this.#check(before, stepReport);
    return stepReport;
  }

  async #check({ runs, numbers }: Before, updateReport: StepReport): Promise<void> {
    this.#checked++;
    const after = await numbersOf(this.#module);
    const shadow = await this.#run(this.#backend, runs, numbers);
    if (this.#apart(numbers, after, shadow.numbers) === undefined && !this.#lossApart(updateReport, shadow.report)) return;
    const finding = (await this.#byOps(runs, numbers, after)) ?? (await this.#byPrograms(runs, numbers, after, shadow.numbers));
    if (finding === undefined) return;
    const isReported = this.#findings.some(({ op, layer }) => op === finding.op && layer === finding.layer);
    this.#findings.push(finding);
    if (!isReported) this.#notice(`ermine: ${finding.message}`);
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
    const isShadow = backend === this.#backend;
    const steps = (isShadow ? this.#steps : undefined) ?? detachedSteps(backend, this.#module, runs, numbers);
    if (isShadow) this.#steps = steps;
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
      if (!isShadow) steps.dispose();
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

  #lossApart({ penalty, gradNorm, sums }: StepReport, shadow: ArrayLike<number>): boolean {
    const reported = [
      penalty,
      ...(gradNorm === undefined ? [] : [gradNorm]),
      ...sums.flatMap(({ value, normalizer }) => [value, normalizer]),
    ];
    // The report has whether the step was taken before these.
    return reported.some((value, i) => difference([value], [shadow[i + 1]!], 1) > this.#tolerance);
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
        const differentOp = await firstDifferentOp(engine, entry, feeds, this.#backend, this.#tolerance);
        if (differentOp === undefined) continue;
        const { op, layer, error } = differentOp;
        const message =
          `Update ${state.update}: ${op}${layer === "" ? "" : ` of the layer ${layer}`} gives other numbers on ${this.#backend.name} than on ` +
          `${engine.backend.name} for the same inputs: ${error.toPrecision(3)} apart, relative to the largest.`;
        return { step: state.update, op, layer, error, message };
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
        `Update ${state.update}: the compiled step of ${backend.name} gives other numbers than its own ops one by one: ${name} is ` +
        `${error.toPrecision(3)} apart, relative to its largest change. Please report this.`;
      return { step: state.update, op: undefined, layer: name, error, message };
    }
    return undefined;
  }
}
