/** Opening Parquet files. */
import { checkArguments } from "@ermine/core/define";
import type { FileSource } from "../bytes.js";
import { randomAccess } from "../randomAccess.js";
import type { Table } from "../table/table.js";
import { ParquetFile } from "./file.js";
import { footerOf } from "./footer.js";
import { parquetLibrary } from "./library.js";
import { checkParquetOptions, type ParquetOptions } from "./options.js";

/**
 * Opens a Parquet file: reads what columns and row groups it has, and nothing else. The packages `hyparquet` and `hyparquet-compressors` read the format; they are
 * installed next to this one.
 *
 * @param source an address (`new URL`; its server is asked for ranges), a `Blob`, bytes, or `file(path)` of `@ermine/data/node`
 *
 * @example
 * const flights = await openParquet(flightsFile); // file("flights.parquet")
 * flights.length; // => 5
 * flights.rowGroups; // => [3, 2]
 * flights.columns[0]; // => { name: "day", kind: "string", type: "date" }
 * @throws ErmineError (the promise rejects) ERMINE_DATA where the file cannot be read, is no Parquet file, is cut short or damaged; ERMINE_UNSUPPORTED where
 * hyparquet is not installed
 */
export async function openParquet(source: FileSource): Promise<ParquetFile> {
  if (arguments.length > 1) checkArguments("openParquet", arguments, 1);
  const places = randomAccess("openParquet", source);
  const library = await parquetLibrary();
  const access = await places.access();
  try {
    return new ParquetFile(places, library, await footerOf(library, places.name, access), access.size);
  } finally {
    await access.close();
  }
}

/**
 * Reads a Parquet file into a table: `openParquet` and its `table`.
 *
 * @param source as `openParquet` takes it
 *
 * @example
 * const flights = await readParquet(flightsFile, { columns: ["delay"] });
 * flights.values("delay"); // => [12, -3, NaN, 0, 45]
 * @throws ErmineError (the promise rejects) as `openParquet` and its `table`
 */
export async function readParquet(source: FileSource, options: ParquetOptions = {}): Promise<Table> {
  if (arguments.length > 2) checkArguments("readParquet", arguments, 2);
  checkParquetOptions("readParquet", options, false, ["source"]);
  return (await openParquet(source)).table(options);
}
