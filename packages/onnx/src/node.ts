/** ONNX files on Node's file system. */
import { readFile, writeFile } from "node:fs/promises";
import type { Module } from "@ermine/core/nn";
import {
  loadModel,
  saveModel,
  type ImportedModel,
  type LoadModelOptions,
  type ResaveOptions,
  type SaveOptions,
} from "./index.js";

/**
 * Writes the model's evaluation as an ONNX file: see `saveModel`.
 *
 * @param path the file, which is made or replaced
 * @throws ErmineError what `saveModel` throws; then no file is written. The file system's own error where it cannot be written
 * @example
 * await saveModelFile("model.onnx", model, { sample: x });
 */
export async function saveModelFile(path: string | URL, model: ImportedModel, options?: ResaveOptions): Promise<void>;
export async function saveModelFile(path: string | URL, model: Module, options: SaveOptions): Promise<void>;
export async function saveModelFile(path: string | URL, model: Module, options?: SaveOptions | ResaveOptions): Promise<void> {
  await writeFile(path, await saveModel(model, options as SaveOptions));
}

/**
 * The model that an ONNX file says: see `loadModel`.
 *
 * @param path the file
 * @throws ErmineError what `loadModel` throws. The file system's own error where it cannot be read
 * @example
 * await saveModelFile("model.onnx", model, { sample: x });
 * (await loadModelFile("model.onnx")).inputs().length; // => 1
 */
export async function loadModelFile(path: string | URL, options: LoadModelOptions = {}): Promise<ImportedModel> {
  return loadModel(await readFile(path), options);
}
