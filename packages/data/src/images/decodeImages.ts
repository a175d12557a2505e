/** Image files, decoded one after the other. */
import { ErmineError } from "@ermine/core";
import { checkArguments, checkOptions, show } from "@ermine/core/define";
import type { FileSource } from "../bytes.js";
import { checkCount } from "../refusals.js";
import { Stream } from "../stream.js";
import type { DecodedImage } from "./decoded.js";
import { decodeImage } from "./sharp.js";

/** An image that cannot be decoded. */
export interface BadImage<F extends FileSource> {
  /** The file. */
  readonly file: F;
  /** What is wrong, as a sentence that names the file. */
  readonly problem: string;
}

/** The options of `decodeImages`. */
export interface DecodeImagesOptions<F extends FileSource> {
  /** Images that are decoded at a time. Default 4. */
  readonly concurrency?: number;
  /**
   * What is done with images that cannot be decoded: "error" ends reading, "skip" leaves them out, a function is told of each that is left out. Default "error". A stream that may leave some out
   * does not know its length, and is replayed where training is taken up again.
   */
  readonly badImages?: "error" | "skip" | ((image: BadImage<F>) => void);
}

/** An image and the file that it comes from. */
export interface ImageOfFile<F extends FileSource> {
  /** The file: of an image folder, with its label. */
  readonly file: F;
  /** What is in it. */
  readonly image: DecodedImage;
}

/**
 * The images of files: a stream in the files' order, of which a few are decoded at a time while training goes on. A sequence of files is shuffled in each epoch before it is decoded.
 *
 * @param files a sequence or stream of files: `files` of an image folder
 * @throws ErmineError ERMINE_OPTION for an option that does not fit; when they are read, ERMINE_DATA for one that cannot be decoded, with its name
 */
export function decodeImages<F extends FileSource>(
  files: Stream<F>,
  options: DecodeImagesOptions<F> = {},
): Stream<ImageOfFile<F>> {
  if (arguments.length > 2) checkArguments("decodeImages", arguments, 2);
  if (!(files instanceof Stream))
    throw new ErmineError(
      "ERMINE_USAGE",
      `decodeImages takes a sequence or stream of files, got ${show(files)}. Write decodeImages(sequence([file("a.png")])).`,
    );
  checkOptions<DecodeImagesOptions<F>>("decodeImages", options, { concurrency: "number", badImages: "any" }, "files");
  const { concurrency = 4, badImages = "error" } = options;
  checkCount("decodeImages", "concurrency", concurrency, 1);
  if (badImages !== "error" && badImages !== "skip" && typeof badImages !== "function")
    throw new ErmineError("ERMINE_OPTION", `decodeImages: badImages is "error", "skip" or a function, got ${show(badImages)}.`);
  if (badImages === "error") return files.mapAsync(async (file) => ({ file, image: await decodeImage(file) }), { concurrency });
  return files
    .mapAsync(async (file) => ({ file, image: await decodedOr(file, badImages) }), { concurrency })
    .filter((one): boolean => one.image !== undefined) as Stream<ImageOfFile<F>>;
}

/** undefined: it cannot be decoded, and is left out. */
async function decodedOr<F extends FileSource>(
  file: F,
  badImages: "skip" | ((image: BadImage<F>) => void),
): Promise<DecodedImage | undefined> {
  try {
    return await decodeImage(file);
  } catch (error) {
    if (!(error instanceof ErmineError && error.code === "ERMINE_DATA")) throw error;
    if (badImages !== "skip") badImages({ file, problem: error.message });
    return undefined;
  }
}
