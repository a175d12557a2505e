/** `@ermine/data/images`: folders of images, decoded by sharp. */
export type { DecodedImage } from "./images/decoded.js";
export { decodeImage } from "./images/sharp.js";
export { decodeImages, type BadImage, type DecodeImagesOptions, type ImageOfFile } from "./images/decodeImages.js";
export { imageFiles, imageFolder, type ImageFile, type ImageFolder, type LabelledImageFile } from "./images/folder.js";
export type { ByteSource, FileSource } from "./bytes.js";
export type { Sequence } from "./sequence.js";
export type { Stream } from "./stream.js";
