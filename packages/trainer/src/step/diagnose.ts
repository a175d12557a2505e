/** Finds where a refused step first went wrong: the same batch and random numbers again, eagerly, op by op. */
import { keep, observeOps, scope, withBackend, type Backend, type Feed, type Tensor, type Variable } from "@ermine/core";
import type { Dataset } from "../data/dataset.js";
import { updateBody, type StepSetup } from "./body.js";
import { eagerArguments } from "./engine.js";

/** "softmax in 2 (op 14)", or undefined where the run comes out finite. */
export async function firstNotFinite(
  backend: Backend,
  setup: StepSetup,
  data: Dataset,
  feeds: Readonly<Record<string, Feed>>,
  buffers: readonly Variable[],
): Promise<string | undefined> {
  const before = await Promise.all(buffers.map((buffer) => buffer.data()));
  const seen: { readonly what: string; readonly tensor: Tensor }[] = [];
  withBackend(backend, () =>
    scope(() => {
      const { batch, counters, scalars } = eagerArguments({ columns: data, scalarCount: feeds["scalars"]!.shape[0]! }, feeds);
      observeOps(
        (op, outputs, path) => {
          for (const tensor of outputs) {
            if (tensor.dtype !== "float32") continue;
            // Kept: what autograd's own scopes free is looked at too.
            seen.push({ what: `in ${op.name}${path === "" ? "" : ` of the layer ${path}`}`, tensor: keep(tensor) });
          }
        },
        () => updateBody(setup, batch!, counters, scalars),
      );
    }),
  );
  buffers.forEach((buffer, i) => buffer.write(before[i]!));
  try {
    for (const { what, tensor } of seen) {
      if ((await tensor.data()).some((value) => !Number.isFinite(value))) return what;
    }
    return undefined;
  } finally {
    for (const { tensor } of seen) tensor.dispose();
  }
}
