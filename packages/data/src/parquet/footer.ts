/** A Parquet file's directory: what columns and row groups it has, held against the file's size. */
import { ErmineError } from "@ermine/core";
import type { ColumnMetaData, FileMetaData } from "hyparquet";
import type { RandomAccess } from "../bytes.js";
import type { ParquetLibrary } from "./library.js";
import { columnsOf, withConvertedTypes, type ColumnSchema } from "./schema.js";

/** A row group: where it is, and how many rows it has. */
export interface RowGroupPlace {
  /** Rows before it in the file. */
  readonly start: number;
  readonly rows: number;
  /** Its columns by name; those of lists and structures are not there. */
  readonly chunks: ReadonlyMap<string, ColumnChunkPlace>;
}

/** Where the bytes of one column of a row group are. */
export interface ColumnChunkPlace {
  readonly from: number;
  readonly to: number;
  readonly codec: string;
}

/** All that a file says of itself. */
export interface Footer {
  readonly metadata: FileMetaData;
  readonly columns: readonly ColumnSchema[];
  readonly rowGroups: readonly RowGroupPlace[];
  readonly rows: number;
}

/** "PAR1", at both ends of a file; "PARE" where the directory is encrypted. */
const magic = 0x31524150;
const encrypted = 0x45524150;
/** Most rows of a row group: a header that says more would have any reader fill its memory. */
const mostRows = 2 ** 26;

export const damaged = (name: string, problem: string, cause?: unknown): ErmineError =>
  new ErmineError("ERMINE_DATA", `${name} is damaged: ${problem}. Take the file anew from where it came.`, { cause });

/** @throws ErmineError ERMINE_DATA where it is no Parquet file, is cut short, or says what cannot be */
export async function footerOf(library: ParquetLibrary, name: string, access: RandomAccess): Promise<Footer> {
  const { size } = access;
  const wordAt = (bytes: Uint8Array, at: number): number => new DataView(bytes.buffer, bytes.byteOffset).getUint32(at, true);
  const start = size < 4 ? 0 : wordAt(await access.read(0, 4), 0);
  if (start === encrypted) throw new ErmineError("ERMINE_DATA", `${name} is encrypted, which is not read. Decrypt it before.`);
  if (start !== magic)
    throw new ErmineError("ERMINE_DATA", `${name} is no Parquet file: it has ${size} bytes, and does not begin with "PAR1".`);
  const end = size < 12 ? undefined : await access.read(size - 8, size);
  const length = end === undefined ? 0 : wordAt(end, 0);
  if (end === undefined || wordAt(end, 4) !== magic || length > size - 12)
    throw new ErmineError(
      "ERMINE_DATA",
      `${name} is cut short: a Parquet file ends with its directory and "PAR1", and these ${size} bytes do not. Take the whole file.`,
    );
  const bytes = await access.read(size - 8 - length, size);
  try {
    const metadata = withConvertedTypes(library.parquetMetadata(bytes.slice().buffer as ArrayBuffer, { geoparquet: false }));
    const columns = columnsOf(library.parquetSchema(metadata));
    return checked(name, metadata, columns, size - 8 - length);
  } catch (error) {
    throw error instanceof ErmineError ? error : damaged(name, `its directory cannot be read (${messageOf(error)})`, error);
  }
}

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** @param end where the columns' bytes end at the latest */
function checked(name: string, metadata: FileMetaData, columns: readonly ColumnSchema[], end: number): Footer {
  const names = columns.map(({ column }) => column.name);
  if (names.some((column) => typeof column !== "string")) throw damaged(name, "a column has no name");
  const twice = names.find((column, i) => names.indexOf(column) !== i);
  if (twice !== undefined) throw new ErmineError("ERMINE_DATA", `${name} has the column ${JSON.stringify(twice)} twice.`);
  const flat = columns.filter(({ conversion }) => conversion !== undefined).map(({ column }) => column.name);
  let start = 0;
  const rowGroups = metadata.row_groups.map((group, i): RowGroupPlace => {
    const rows = Number(group.num_rows);
    if (!(Number.isInteger(rows) && rows >= 0)) throw damaged(name, `row group ${i} is said to have ${rows} rows`);
    if (rows > mostRows)
      throw new ErmineError(
        "ERMINE_DATA",
        `${name} has a row group of ${rows} rows, and groups of at most ${mostRows} are read, for one is held in memory. Write it with smaller ones.`,
      );
    const chunks = new Map<string, ColumnChunkPlace>();
    for (const column of flat) {
      const chunk = group.columns.find(
        ({ meta_data: meta }) => meta?.path_in_schema.length === 1 && meta.path_in_schema[0] === column,
      );
      if (chunk?.meta_data === undefined) throw damaged(name, `row group ${i} has no column ${JSON.stringify(column)}`);
      if (chunk.file_path !== undefined)
        throw new ErmineError("ERMINE_DATA", `${name} has its columns in other files, which is not read: ${chunk.file_path}.`);
      chunks.set(column, chunkPlace(name, i, column, chunk.meta_data, rows, end));
    }
    const place = { start, rows, chunks };
    start += rows;
    return place;
  });
  const rows = Number(metadata.num_rows);
  if (rows !== start) throw damaged(name, `it is said to have ${rows} rows, and its row groups have ${start}`);
  return { metadata, columns, rowGroups, rows };
}

function chunkPlace(
  file: string,
  group: number,
  column: string,
  {
    data_page_offset: page,
    dictionary_page_offset: dictionary,
    total_compressed_size: size,
    num_values: values,
    codec,
  }: ColumnMetaData,
  rows: number,
  end: number,
): ColumnChunkPlace {
  // A dictionary at byte 0 is how some writers say that there is none.
  const from = Number(dictionary === undefined || dictionary <= 0n || dictionary > page ? page : dictionary);
  const to = from + Number(size);
  const what = `row group ${group}, column ${JSON.stringify(column)}`;
  if (!(from >= 4 && to >= from && to <= end))
    throw damaged(file, `${what} is said to be at the bytes ${from} to ${to}, and its data end at ${end}`);
  if (Number(values) !== rows) throw damaged(file, `${what} is said to have ${values} values, and the group has ${rows} rows`);
  return { from, to, codec };
}
