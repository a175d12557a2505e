/** ONNX files on Node's file system. */
import { writeFile } from "node:fs/promises";
import type { Module } from "@ermine/core/nn";
import { saveModel, type SaveOptions } from "./index.js";

/**
 * Writes the model's evaluation as an ONNX file: see `saveModel`.
 *
 * @param path the file, which is made or replaced
 * @throws ErmineError what `saveModel` throws; then no file is written. The file system's own error where it cannot be written
 * @example
 * await saveModelFile("model.onnx", model, { sample: x });
 */
export async function saveModelFile(path: string | URL, model: Module, options: SaveOptions): Promise<void> {
  await writeFile(path, await saveModel(model, options));
}
