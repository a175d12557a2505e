/** A trained model as an ONNX file that knows what to make of raw rows. */
import { zeros } from "@ermine/core";
import { saveModel } from "@ermine/onnx";
import { TargetClasses, tablePreprocessing } from "@ermine/preprocessing";
import { MeanOfMembers } from "../network/tabularNetwork.js";
import type { Roles } from "../table/roles.js";
import type { FittedTable } from "../training/fitTable.js";

/** The only output's name. */
const output = "output";

/** The bytes of the file. */
export async function modelFile({ features, network }: FittedTable, { target, task }: Roles): Promise<Uint8Array> {
  const { inputs } = features;
  const dtypeOf = (name: string): "float32" | "int32" => (name === "numbers" ? "float32" : "int32");
  const classes = features.target instanceof TargetClasses ? features.target.classes.map(String) : undefined;
  return saveModel(new MeanOfMembers(network), {
    sample: Object.entries(inputs).map(([name, { width }]) => zeros([1, width], { dtype: dtypeOf(name) })),
    inputs: Object.fromEntries(Object.keys(inputs).map((name) => [name, dtypeOf(name)])),
    name: target,
    link: classes === undefined ? "identity" : "softmax",
    ...(classes === undefined ? {} : { classes }),
    preprocessing: tablePreprocessing({ inputs, outputs: { [output]: features.target } }),
    // Of tensors in a file nobody can tell quantiles, which are learned once, from what is trained.
    metadata: { target, task, parameters: String(network.parameterCount()) },
  });
}
