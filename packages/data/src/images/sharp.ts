/** Images decoded by sharp, which is an optional package. */
import { ErmineError } from "@ermine/core";
import { checkArguments } from "@ermine/core/define";
import { byteSource, type FileSource } from "../bytes.js";
import { gathered } from "../randomAccess.js";
import type { DecodedImage } from "./decoded.js";

/** @throws ErmineError ERMINE_UNSUPPORTED where sharp is not installed, or does not run here */
async function sharpLibrary(): Promise<(typeof import("sharp"))["default"]> {
  try {
    return (await import("sharp")).default;
  } catch (error) {
    throw new ErmineError(
      "ERMINE_UNSUPPORTED",
      `Images are decoded by the package sharp, which cannot be loaded: ${firstLine(error)}. Install it: npm install sharp. In a browser take decodeImage from @ermine/data/canvas.`,
      { cause: error },
    );
  }
}

const firstLine = (error: unknown): string => (error as Error).message.split("\n")[0]!.replace(/[:.\s]+$/, "");

/**
 * Decodes an image file (AVIF, GIF, JPEG, PNG, TIFF, WebP; of several frames the first one) by sharp: bytes of sRGB, turned as its EXIF orientation says. What comes of a lossless file is the same
 * wherever it is decoded; of a JPEG, decoders differ by a few of 255 levels.
 *
 * @param source a file (`file(path)` of `@ermine/data/node`, or one of an image folder), an address, a `Blob` or bytes
 * @throws ErmineError ERMINE_DATA where it cannot be read or is no image, with its name; ERMINE_UNSUPPORTED where sharp is not installed
 */
export async function decodeImage(source: FileSource): Promise<DecodedImage> {
  if (arguments.length > 1) checkArguments("decodeImage", arguments, 1);
  const { name, open } = byteSource("decodeImage", source);
  const [sharp, bytes] = await Promise.all([sharpLibrary(), gathered(open())]);
  try {
    const { data, info } = await sharp(bytes)
      .autoOrient()
      .toColourspace("srgb")
      .raw({ depth: "uchar" })
      .toBuffer({ resolveWithObject: true });
    const { height, width, channels } = info;
    return { data: new Uint8Array(data.buffer, data.byteOffset, data.length), height, width, channels };
  } catch (error) {
    throw new ErmineError("ERMINE_DATA", `${name} cannot be decoded as an image: ${firstLine(error)}.`, { cause: error });
  }
}
