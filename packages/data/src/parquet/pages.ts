/** The pages of one column of a row group: their headers are held against what there is, and gzip is unpacked by the engine. */
import type { Compressors } from "hyparquet";
import { crc32 } from "./crc32.js";
import type { ParquetLibrary } from "./library.js";

/** Where the packed bytes of a page are. */
export interface PackedPart {
  readonly from: number;
  readonly to: number;
  /** Bytes when they are unpacked. */
  readonly unpacked: number;
}

/** Most bytes of an unpacked page. */
const mostBytes = 2 ** 30;

/**
 * The packed parts of the pages up to the last row. What the headers say is held against the bytes and the rows that there are: a reader that believed them would go in
 * circles or fill its memory.
 *
 * @throws Error where they cannot be true
 */
export function pagesOf({ parquetHeader }: ParquetLibrary, bytes: Uint8Array, rows: number): PackedPart[] {
  const reader = { view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length), offset: 0 };
  const parts: PackedPart[] = [];
  let values = 0;
  while (values < rows && reader.offset < bytes.length) {
    const { type, crc, compressed_page_size: size, uncompressed_page_size: unpacked, ...header } = parquetHeader(reader);
    const from = reader.offset;
    if (!(size >= 0 && from + size <= bytes.length)) throw new Error(`a page is said to have ${size} bytes`);
    if (crc !== undefined && crc >>> 0 !== crc32(bytes.subarray(from, from + size)))
      throw new Error("the checksum of a page differs");
    if (!(unpacked >= 0 && unpacked <= mostBytes))
      throw new Error(`a page is said to have ${unpacked} bytes when it is unpacked`);
    reader.offset += size;
    if (type === "DICTIONARY_PAGE") {
      const count = header.dictionary_page_header?.num_values ?? -1;
      if (!(count >= 0 && count <= 8 * unpacked))
        throw new Error(`a dictionary of ${unpacked} bytes is said to have ${count} values`);
      parts.push({ from, to: from + size, unpacked });
      continue;
    }
    const second = header.data_page_header_v2;
    const count = header.data_page_header?.num_values ?? second?.num_values ?? -1;
    if (!(count >= 0 && values + count <= rows)) throw new Error(`a page after ${values} values is said to have ${count}`);
    if (second !== undefined && second.num_rows !== count)
      throw new Error(`a page of ${second.num_rows} rows is said to have ${count} values`);
    const levels = second === undefined ? 0 : second.repetition_levels_byte_length + second.definition_levels_byte_length;
    if (!(levels >= 0 && levels <= Math.min(size, unpacked)))
      throw new Error(`a page of ${size} bytes is said to have levels of ${levels}`);
    if (second?.is_compressed !== false && unpacked > levels)
      parts.push({ from: from + levels, to: from + size, unpacked: unpacked - levels });
    values += count;
  }
  if (values < rows) throw new Error(`its pages have ${values} values, and the group has ${rows} rows`);
  return parts;
}

/**
 * What each part has when it is unpacked, by the engine's own gzip, which ends whatever it is given.
 *
 * @throws Error where a part is no gzip, or has another size than it is said to have
 */
export async function unzipped(bytes: Uint8Array, parts: readonly PackedPart[]): Promise<Uint8Array[]> {
  const all: Uint8Array[] = [];
  for (const { from, to, unpacked } of parts) {
    const packed = new Blob([bytes.slice(from, to)]).stream();
    const reader = packed.pipeThrough(new DecompressionStream("gzip")).getReader();
    const page = new Uint8Array(unpacked);
    let filled = 0;
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      if (filled + part.value.length > unpacked) {
        await reader.cancel();
        throw new Error(`a page has more than ${unpacked} bytes, as many as it is said to have`);
      }
      page.set(part.value, filled);
      filled += part.value.length;
    }
    if (filled < unpacked) throw new Error(`a page has ${filled} bytes, and is said to have ${unpacked}`);
    all.push(page);
  }
  return all;
}

/** Gives one after the other, for a reader that asks in the pages' order. */
export function inOrder(pages: readonly Uint8Array[]): NonNullable<Compressors["GZIP"]> {
  let next = 0;
  return () => pages[next++]!;
}
