/** Elements of constants that stand in files next to the model's. */
import { ErmineError } from "@ermine/core";

/** Bytes that stand outside of the file, by what a tensor's `external_data` says. */
export type ExternalData = (location: string, offset: number, length: number, what: string) => Uint8Array;

/** A file next to the model's. */
export interface ExternalFile {
  /** How many bytes it has. */
  readonly size: number;
  read(offset: number, length: number): Uint8Array;
}

/**
 * External data out of files that `open` gives by name. What reaches beyond a file's end is refused, and so is more than a file has: constants that share
 * bytes would take more memory than the files.
 */
export function externalData(open: (location: string, what: string) => ExternalFile): ExternalData {
  const files = new Map<string, { readonly file: ExternalFile; used: number }>();
  return (location, offset, length, what) => {
    let entry = files.get(location);
    if (entry === undefined) files.set(location, (entry = { file: open(location, what), used: 0 }));
    const { file } = entry;
    const end = offset + length;
    if (end > file.size) {
      throw new ErmineError(
        "ERMINE_DATA",
        `${what}: bytes ${offset} … ${end} of ${JSON.stringify(location)} are asked for, which has ${file.size}.`,
      );
    }
    entry.used += length;
    if (entry.used > file.size)
      throw new ErmineError(
        "ERMINE_DATA",
        `${what}: the constants ask for more bytes of ${JSON.stringify(location)} than its ${file.size}.`,
      );
    return file.read(offset, length);
  };
}

/** Files by name. */
export const externalOf = (files: Readonly<Record<string, Uint8Array>>): ExternalData =>
  externalData((location, what) => {
    const bytes = Object.hasOwn(files, location) ? files[location] : undefined;
    if (!(bytes instanceof Uint8Array)) {
      throw new ErmineError(
        "ERMINE_DATA",
        `${what} has its elements in ${JSON.stringify(location)}, which externalData does not have: it has ${Object.keys(files).join(", ") || "nothing"}.`,
      );
    }
    return { size: bytes.length, read: (offset, length) => bytes.subarray(offset, offset + length) };
  });
