/** Finds where a refused step first went wrong: the same batch and random numbers again, eagerly, op by op. */
import { keep, mul, scope, withBackend, type Backend, type Tensor } from "@ermine/core";
import { type Feed, type OpObserver, observeOps } from "@ermine/core/backend";
import { checkClassIndices, concrete } from "@ermine/core/define";
import type { ColumnTypes } from "../data/source.js";
import type { StepSetup } from "./differentiate.js";
import { eagerArguments, type OpWatch } from "./engine.js";
import { updateBody } from "./update.js";

/** Place of the first value that is not finite, "in softmax of the layer 2", and its cause, if it is known. */
export interface NotFinite {
  readonly where: string;
  readonly cause?: string;
}

/** Class indices that an op looked up. */
interface Indices {
  readonly of: string;
  readonly target: Tensor;
  readonly classes: number;
  readonly ignoreIndex: number | null;
}

/** The first op of an eager run whose output is not finite; undefined where the step over this batch comes out finite. */
export async function firstNotFinite(
  backend: Backend,
  setup: StepSetup,
  columns: ColumnTypes,
  feeds: Readonly<Record<string, Feed>>,
): Promise<NotFinite | undefined> {
  // A forward may change any of them.
  const variables = setup.model.namedVariables().map(([, variable]) => variable);
  const before = await Promise.all(variables.map((variable) => variable.data()));
  const watch = new Watch();
  withBackend(backend, () =>
    scope(() => {
      const { batch, counters, scalars } = eagerArguments({ columns, scalarCount: feeds["scalars"]!.shape[0]! }, feeds);
      observeOps(watch.observe, () => updateBody(setup, batch!, counters, scalars));
    }),
  );
  variables.forEach((variable, i) => variable.write(before[i]!));
  return watch.first();
}

/** Looks at the ops of an eager run. Its tensors are kept until it is asked, once, for what it found. */
export class Watch implements OpWatch {
  readonly #outputs: { readonly where: string; readonly tensor: Tensor; readonly indices?: Indices | undefined }[] = [];

  readonly observe: OpObserver = (op, outputs, path, inputs, attributes) => {
    const classIndices = op.classIndices?.(inputs, attributes);
    const indices = classIndices && {
      of: op.name,
      target: keep(mul(inputs[classIndices.input]!, 1)),
      classes: concrete([classIndices.classes])[0]!,
      ignoreIndex: classIndices.ignoreIndex ?? null,
    };
    for (const tensor of outputs) {
      if (tensor.dtype !== "float32") continue;
      // Kept: what autograd's own scopes free is looked at too.
      this.#outputs.push({ where: `in ${op.name}${path === "" ? "" : ` of the layer ${path}`}`, tensor: keep(tensor), indices });
    }
  };

  holds(tensor: Tensor): boolean {
    return this.#outputs.some((output) => output.tensor === tensor);
  }

  async first(): Promise<NotFinite | undefined> {
    try {
      // −∞ by itself is what a mask writes: it is to blame where NaN came of it, or where there is nothing else.
      let hidden: string | undefined;
      // An engine of doubles goes on with what no variable can hold.
      let large: string | undefined;
      for (const { where, tensor, indices } of this.#outputs) {
        const values = await tensor.data();
        if (values.every((value) => Number.isFinite(value))) {
          if (large === undefined && values.some((value) => !Number.isFinite(Math.fround(value)))) large = where;
          continue;
        }
        if (values.every((value) => Number.isFinite(value) || value === -Infinity)) {
          hidden ??= where;
          continue;
        }
        const cause = (indices && (await badClass(indices))) ?? (hidden === undefined ? undefined : causeOfHidden(hidden));
        return cause === undefined ? { where } : { where, cause };
      }
      const where = hidden ?? large;
      return where === undefined ? undefined : { where };
    } finally {
      const watched = this.#outputs.flatMap(({ tensor, indices }) => (indices ? [tensor, indices.target] : [tensor]));
      for (const tensor of new Set(watched)) tensor.dispose();
    }
  }
}

const causeOfHidden = (where: string): string =>
  `There was -Infinity before it, ${where}: does a mask (attnMask, keyPaddingMask) hide every key of a query? Leave one that is seen, or leave the ` +
  "sample out. Otherwise it is the logarithm of 0.";

async function badClass({ of, target, classes, ignoreIndex }: Indices): Promise<string | undefined> {
  try {
    checkClassIndices(of, await target.data(), classes, ignoreIndex);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}
