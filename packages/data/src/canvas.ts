/** `@ermine/data/canvas`: images decoded by a browser, in pages and workers. */
import { ErmineError } from "@ermine/core";
import { checkArguments } from "@ermine/core/define";
import { byteSource, type FileSource } from "./bytes.js";
import type { DecodedImage } from "./images/decoded.js";
import { gathered } from "./randomAccess.js";

export type { DecodedImage } from "./images/decoded.js";
export type { ByteSource, FileSource } from "./bytes.js";

/**
 * Decodes an image file as the browser does: red, green, blue and alpha, of sRGB as the file has it, turned as its EXIF orientation says. What comes of a lossless file without transparency is the same as of
 * `decodeImage` of `@ermine/data/images`; of a JPEG, decoders differ by a few of 255 levels.
 *
 * @param source a `Blob` (what a page's file input gives), an address or bytes
 * @throws ErmineError ERMINE_DATA where it cannot be read or is no image, with its name; ERMINE_UNSUPPORTED where there is no canvas
 */
export async function decodeImage(source: FileSource): Promise<DecodedImage> {
  if (arguments.length > 1) checkArguments("decodeImage", arguments, 1);
  const { name, open } = byteSource("decodeImage", source);
  if (typeof createImageBitmap !== "function" || typeof OffscreenCanvas !== "function")
    throw new ErmineError(
      "ERMINE_UNSUPPORTED",
      "decodeImage of @ermine/data/canvas needs createImageBitmap and OffscreenCanvas, which browsers have. In Node take it from @ermine/data/images.",
    );
  const bytes = await gathered(open());
  let bitmap: ImageBitmap;
  try {
    bitmap = await createImageBitmap(new Blob([bytes as Uint8Array<ArrayBuffer>]), {
      colorSpaceConversion: "none",
      premultiplyAlpha: "none",
    });
  } catch (error) {
    throw new ErmineError("ERMINE_DATA", `${name} cannot be decoded as an image: ${(error as Error).message}.`, { cause: error });
  }
  try {
    const { height, width } = bitmap;
    const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
    if (context === null)
      throw new ErmineError("ERMINE_UNSUPPORTED", `${name}: this browser gives no canvas of ${width} × ${height} pixels.`);
    context.drawImage(bitmap, 0, 0);
    const { data } = context.getImageData(0, 0, width, height);
    return { data: new Uint8Array(data.buffer, data.byteOffset, data.length), height, width, channels: 4 };
  } finally {
    bitmap.close();
  }
}
