/** `ermine info`: what a model's file says of itself. */
import { readFile } from "node:fs/promises";
import { ErmineError } from "@ermine/core";
import { loadModel, type ImportedModel, type ModelValue } from "@ermine/onnx";
import { tablePreprocessingFrom } from "@ermine/preprocessing";
import type { Output } from "../run/output.js";
import { checkFile } from "../table/readTable.js";

/** @returns the exit status */
export async function info(path: string, output: Output): Promise<number> {
  await checkFile(path);
  const model = loaded(path, await readFile(path));
  const metadata = Object.fromEntries(model.metadata());
  const { "ermine.preprocessing": preprocessing, parameters: _, ...others } = metadata;
  const columns = preprocessing === undefined ? [] : tablePreprocessingFrom(JSON.parse(preprocessing)).columns;
  const parameters = parameterCount(model);
  output.event("model", { path, inputs: model.inputs(), outputs: model.outputs(), parameters, columns, metadata: others });
  const shown = ({ name, type, shape }: ModelValue): string =>
    `${name}: ${type} (${(shape ?? ["…"]).map((size) => size ?? "?").join(", ")})`;
  const lines = [
    ...model.inputs().map((value) => `input      ${shown(value)}`),
    ...model.outputs().map((value) => `output     ${shown(value)}`),
    `parameters ${parameters.toLocaleString("en-US")}`,
    ...(columns.length === 0 ? [] : [`columns    ${columns.join(", ")}`]),
    ...Object.entries(others).map(
      ([name, value]) => `${name.padEnd(10)} ${value.length > 200 ? `${value.slice(0, 200)}…` : value}`,
    ),
  ];
  output.say(lines.join("\n"));
  return 0;
}

/** What the file says; of a file that does not say it, the values of all tensors that could be trained. */
function parameterCount(model: ImportedModel): number {
  const said = Number(model.metadata().get("parameters") ?? Number.NaN);
  return Number.isInteger(said) ? said : model.parameterCount();
}

function loaded(path: string, bytes: Uint8Array): ImportedModel {
  try {
    return loadModel(bytes);
  } catch (error) {
    throw error instanceof ErmineError ? error.at(path) : error;
  }
}
