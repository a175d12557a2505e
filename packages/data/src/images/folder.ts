/** Folders of images: a folder of each class, or any images. */
import { readdir, realpath, stat } from "node:fs/promises";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { ErmineError } from "@ermine/core";
import { checkArguments, show } from "@ermine/core/define";
import type { ByteSource } from "../bytes.js";
import { file } from "../node.js";
import { sequence, type Sequence } from "../sequence.js";

/** An image file of a folder; `decodeImage` takes it. */
export interface ImageFile extends ByteSource {
  /** Its path within the folder, with "/": "cats/1.png". */
  readonly name: string;
  /** Its path. */
  readonly path: string;
}

/** An image file whose class is known. */
export interface LabelledImageFile extends ImageFile {
  /** The index of its class. */
  readonly label: number;
}

/** A folder that has a folder of images for each class. */
export interface ImageFolder {
  /** The classes' names: those of the folders in it, ordered by their characters. */
  readonly classes: readonly string[];
  /** The images of all classes, ordered by their names. */
  readonly files: Sequence<LabelledImageFile>;
  /** Files that are no images by what their names end with, or that are in no class's folder. */
  readonly others: readonly string[];
}

/** File name extensions of images. */
const extensions: ReadonlySet<string> = new Set([".avif", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"]);

interface FolderFile {
  readonly name: string;
  readonly path: string;
}

/** All files in a folder and below, ordered by their names; those and folders whose names begin with "." are left out. */
async function filesIn(path: string, prefix: string, parents: readonly string[]): Promise<FolderFile[]> {
  const real = await realpath(path);
  // A link to a folder that holds it.
  if (parents.includes(real)) return [];
  const files: FolderFile[] = [];
  for (const name of (await readdir(path)).filter((entry) => !entry.startsWith(".")).sort(byCharacters)) {
    const inner = { name: `${prefix}${name}`, path: join(path, name) };
    const stats = await stat(inner.path);
    if (stats.isDirectory()) files.push(...(await filesIn(inner.path, `${inner.name}/`, [...parents, real])));
    else if (stats.isFile()) files.push(inner);
  }
  return files;
}

const byCharacters = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
const isImage = ({ name }: FolderFile): boolean => extensions.has(extname(name).toLowerCase());
const imageFile = ({ name, path }: FolderFile): ImageFile => ({ ...file(path), name, path });

/** @throws ErmineError ERMINE_USAGE where it is no path, ERMINE_DATA where it is no folder that can be read */
async function allFiles(
  where: string,
  folder: string | URL,
): Promise<{ readonly path: string; readonly files: readonly FolderFile[] }> {
  if (typeof folder !== "string" && !(folder instanceof URL && folder.protocol === "file:"))
    throw new ErmineError("ERMINE_USAGE", `${where} takes the path of a folder, got ${show(folder)}.`);
  const path = typeof folder === "string" ? folder : fileURLToPath(folder);
  try {
    return { path, files: await filesIn(path, "", []) };
  } catch (error) {
    if (typeof (error as { readonly code?: unknown }).code !== "string") throw error;
    throw new ErmineError("ERMINE_DATA", `${path} cannot be read as a folder: ${(error as Error).message}.`, { cause: error });
  }
}

const kinds = [...extensions].join(", ");

/**
 * A folder that has a folder of images (AVIF, GIF, JPEG, PNG, TIFF, WebP) for each class: photos/cats/1.jpg, photos/dogs/1.jpg. Nothing is decoded: `decodeImages` does it, image after image.
 *
 * @throws ErmineError ERMINE_USAGE where it is no path, ERMINE_DATA where it cannot be read or has no class with an image
 */
export async function imageFolder(folder: string | URL): Promise<ImageFolder> {
  if (arguments.length > 1) checkArguments("imageFolder", arguments, 1);
  const { path, files } = await allFiles("imageFolder", folder);
  const isUsed = (one: FolderFile): boolean => isImage(one) && one.name.includes("/");
  const used = files.filter(isUsed);
  const others = files.filter((one) => !isUsed(one)).map(({ name }) => name);
  const classOf = ({ name }: FolderFile): string => name.slice(0, name.indexOf("/"));
  const classes = [...new Set(used.map(classOf))].sort(byCharacters);
  if (classes.length === 0)
    throw new ErmineError(
      "ERMINE_DATA",
      `${path} has no folder with images: each class has a folder of its own, cats/1.png, dogs/1.png. Files are images by what their names end with: ${kinds}.`,
    );
  const labels = new Map(classes.map((name, label) => [name, label]));
  const labelled = used.map((one) => ({ ...imageFile(one), label: labels.get(classOf(one))! }));
  return { classes, files: sequence(labelled), others };
}

/**
 * All images in a folder and the folders in it, ordered by their names: for predictions.
 *
 * @throws ErmineError ERMINE_USAGE where it is no path, ERMINE_DATA where it cannot be read or has no image
 */
export async function imageFiles(folder: string | URL): Promise<Sequence<ImageFile>> {
  if (arguments.length > 1) checkArguments("imageFiles", arguments, 1);
  const { path, files } = await allFiles("imageFiles", folder);
  const images = files.filter(isImage);
  if (images.length > 0) return sequence(images.map(imageFile));
  throw new ErmineError("ERMINE_DATA", `${path} has no image. Files are images by what their names end with: ${kinds}.`);
}
