/** What a model's programs are fed. */
import { Dim, type Tensor } from "@ermine/core";
import { type Trace } from "@ermine/core/backend";
import type { ModelTask } from "./data.js";

function feed(trace: Trace, name: string, sample: readonly number[], whole: boolean): Tensor {
  return trace.feed(name, { shape: [Dim.symbol("N"), ...sample], dtype: whole ? "int32" : "float32", domain: "real" });
}

/** A batch of any size. */
export const feedInputs = (trace: Trace, { model }: ModelTask): Tensor =>
  feed(trace, "inputs", model.input.shape, model.input.indices !== undefined);

export const feedTargets = (trace: Trace, { target }: ModelTask): Tensor =>
  feed(trace, "targets", target.shape, target.classes !== undefined);
