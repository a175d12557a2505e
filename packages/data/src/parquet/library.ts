/** hyparquet, which reads the format, and its codecs: optional packages, loaded when a file is opened. */
import { ErmineError } from "@ermine/core";
import type { Compressors, DataReader, PageHeader } from "hyparquet";

/** What is used of hyparquet. */
export interface ParquetLibrary {
  readonly parquetMetadata: typeof import("hyparquet").parquetMetadata;
  readonly parquetRead: typeof import("hyparquet").parquetRead;
  readonly parquetSchema: typeof import("hyparquet").parquetSchema;
  /** Of a module that TypeScript does not find under moduleResolution node10: its type is written out. */
  readonly parquetHeader: (reader: DataReader) => PageHeader;
}

/** @throws ErmineError ERMINE_UNSUPPORTED where hyparquet is not installed */
export async function parquetLibrary(): Promise<ParquetLibrary> {
  const [{ parquetMetadata, parquetRead, parquetSchema }, { parquetHeader }] = await loaded("hyparquet", () =>
    Promise.all([import("hyparquet"), import("hyparquet/src/column.js")]),
  );
  return { parquetMetadata, parquetRead, parquetSchema, parquetHeader };
}

/** Codecs that hyparquet has itself, and gzip, which engines have. */
const builtIn: ReadonlySet<string> = new Set(["UNCOMPRESSED", "SNAPPY", "GZIP"]);

/** @throws ErmineError ERMINE_UNSUPPORTED where they are not installed, and one of them is needed */
export async function compressorsFor(codecs: Iterable<string>): Promise<Compressors> {
  for (const codec of codecs)
    if (!builtIn.has(codec)) return (await loaded("hyparquet-compressors", () => import("hyparquet-compressors"))).compressors;
  return {};
}

async function loaded<T>(name: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (error) {
    throw new ErmineError(
      "ERMINE_UNSUPPORTED",
      `Parquet files are read by the package ${name}, which cannot be loaded: ${(error as Error).message}. Install it: npm install hyparquet hyparquet-compressors.`,
      { cause: error },
    );
  }
}
