/** ONNX files on Node's file system. */
import { checkArguments, show } from "@ermine/core/define";
import { closeSync, constants, fstatSync, openSync, readSync, realpathSync } from "node:fs";
import { randomUUID } from "node:crypto";
import { open, readFile, rename, rm } from "node:fs/promises";
import { basename, dirname, isAbsolute, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { ErmineError } from "@ermine/core";
import type { Module } from "@ermine/core/nn";
import {
  loadModel,
  saveModel,
  type ImportedModel,
  type LoadModelOptions,
  type ResaveOptions,
  type SaveOptions,
} from "./index.js";
import { checkLoadOptions } from "./load/importModel.js";
import { loadModelWith } from "./load/loadModel.js";
import { externalData, type ExternalFile } from "./load/externalData.js";
import { splitModel } from "./save/externalWeights.js";

/** What `saveModelFile` takes besides the options of `saveModel`. */
export interface FileOptions {
  /**
   * The name of a file next to the model's that gets the weights of 1,024 bytes and more, so that runtimes map them into memory; it is made or replaced, and a link of that name is
   * replaced and not followed. Default: none, the weights are in the model's file.
   */
  readonly externalData?: string;
}

/**
 * Writes the model's evaluation as an ONNX file: see `saveModel`. Both files are written under other names first, and renamed when they are whole.
 *
 * @param path the file, which is made or replaced
 * @throws ErmineError what `saveModel` throws; ERMINE_OPTION where `externalData` is no name of another file in the model's folder; then no file is written. The file system's own error
 * where one cannot be written
 * @example
 * await saveModelFile("model.onnx", model, { sample: x });
 */
export async function saveModelFile(
  path: string | URL,
  model: ImportedModel,
  options?: ResaveOptions & FileOptions,
): Promise<void>;
export async function saveModelFile(path: string | URL, model: Module, options: SaveOptions & FileOptions): Promise<void>;
export async function saveModelFile(
  path: string | URL,
  model: Module,
  options: (SaveOptions | ResaveOptions) & FileOptions = {},
): Promise<void> {
  if (arguments.length > 3) checkArguments("saveModelFile", arguments, 3);
  checkPath("saveModelFile", path);
  // What is no options at all saveModel refuses.
  const isOptions = typeof options === "object" && options !== null && !Array.isArray(options);
  const { externalData: location, ...rest } = isOptions ? options : {};
  const file = path instanceof URL ? fileURLToPath(path) : path;
  if (location !== undefined) checkLocation(location, basename(file));
  const bytes = await saveModel(model, (isOptions ? rest : options) as SaveOptions);
  if (location === undefined) return replaceFiles([[file, [bytes]]]);
  const { model: modelBytes, data } = splitModel(bytes, location);
  // The weights first: a model's file without its weights is none.
  await replaceFiles([
    [join(dirname(file), location), data],
    [file, [modelBytes]],
  ]);
}

/** @throws ErmineError ERMINE_OPTION where it is not the name of another file in the model's folder */
function checkLocation(location: unknown, modelName: string): void {
  const isName =
    typeof location === "string" && location !== "" && location !== "." && location !== ".." && !/[/\\:\0]/.test(location);
  if (isName && location !== modelName) return;
  throw new ErmineError(
    "ERMINE_OPTION",
    `saveModelFile: externalData is the name of a file next to ${JSON.stringify(modelName)}, without folders and another one than that, got ${show(location)}.`,
  );
}

/** Writes each file under another name next to it, and then gives all of them their names. */
async function replaceFiles(files: readonly (readonly [path: string, parts: readonly Uint8Array[]])[]): Promise<void> {
  const written: { readonly from: string; readonly to: string }[] = [];
  try {
    for (const [to, parts] of files) {
      const from = `${to}.${randomUUID()}.tmp`;
      written.push({ from, to });
      const file = await open(from, "wx");
      try {
        for (const part of parts) await file.writeFile(part);
      } finally {
        await file.close();
      }
    }
    for (const { from, to } of written) await rename(from, to);
  } catch (error) {
    for (const { from } of written) await rm(from, { force: true });
    throw error;
  }
}

/**
 * The model that an ONNX file says: see `loadModel`. Elements that stand in files next to it are read from there: from the model's own folder and those inside of it alone, and
 * from no symbolic or hard link.
 *
 * @param path the file
 * @throws ErmineError what `loadModel` throws; ERMINE_DATA for a file outside of the model's folder, ERMINE_FILE for one that cannot be read. The file system's own error
 * where the model's file cannot be read
 * @example
 * await saveModelFile("model.onnx", model, { sample: x });
 * (await loadModelFile("model.onnx")).inputs().length; // => 1
 */
export async function loadModelFile(path: string | URL, options: LoadModelOptions = {}): Promise<ImportedModel> {
  if (arguments.length > 2) checkArguments("loadModelFile", arguments, 2);
  checkPath("loadModelFile", path);
  checkLoadOptions(options);
  const bytes = await readFile(path);
  if (options.externalData !== undefined) return loadModel(bytes, options);
  const folder = realpathSync(dirname(path instanceof URL ? fileURLToPath(path) : path));
  const descriptors: number[] = [];
  try {
    return loadModelWith(
      bytes,
      options,
      externalData((location, what) => opened(folder, location, what, descriptors)),
    );
  } finally {
    for (const file of descriptors) closeSync(file);
  }
}

/** @throws ErmineError ERMINE_USAGE where it is no path */
function checkPath(where: string, path: unknown): void {
  if (typeof path === "string" || (path instanceof URL && path.protocol === "file:")) return;
  throw new ErmineError("ERMINE_USAGE", `${where} takes a path first, got ${path instanceof URL ? path.href : show(path)}.`);
}

/** A file inside of the folder. @throws ErmineError ERMINE_DATA for another one, ERMINE_FILE for one that cannot be read */
function opened(folder: string, location: string, what: string, descriptors: number[]): ExternalFile {
  const refuse = (why: string): never => {
    throw new ErmineError(
      "ERMINE_DATA",
      `${what} has its elements in ${JSON.stringify(location)}, ${why}: a model's data are files in its own folder.`,
    );
  };
  const path = resolve(folder, location);
  const inside = relative(folder, path);
  if (
    location === "" ||
    location.includes("\0") ||
    isAbsolute(location) ||
    inside === "" ||
    inside.startsWith("..") ||
    isAbsolute(inside)
  )
    refuse("which is outside of the model's folder");
  let file: number;
  try {
    // What a link leads to is somewhere else, whatever it is called.
    if (realpathSync(path) !== path) refuse("which is reached by a symbolic link");
    file = openSync(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
  } catch (cause) {
    if (cause instanceof ErmineError) throw cause;
    throw new ErmineError("ERMINE_FILE", `${what}: ${JSON.stringify(location)} cannot be read (${(cause as Error).message}).`, {
      cause,
    });
  }
  descriptors.push(file);
  const { size, nlink, isFile } = statOf(file);
  if (!isFile) refuse("which is no file");
  if (nlink > 1) refuse("which has another name elsewhere (a hard link)");
  return {
    size,
    read(offset, length) {
      const data = new Uint8Array(length);
      for (let at = 0; at < length;) {
        const count = readSync(file, data, at, length - at, offset + at);
        if (count === 0)
          throw new ErmineError("ERMINE_FILE", `${what}: ${JSON.stringify(location)} has become shorter while it was read.`);
        at += count;
      }
      return data;
    },
  };
}

function statOf(file: number): { readonly size: number; readonly nlink: number; readonly isFile: boolean } {
  const stats = fstatSync(file);
  return { size: stats.size, nlink: stats.nlink, isFile: stats.isFile() };
}
