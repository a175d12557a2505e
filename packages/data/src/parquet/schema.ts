/** The columns of a Parquet file, and what their values are as cells of a table. */
import type { FileMetaData, SchemaElement, SchemaTree } from "hyparquet";
import type { ColumnKind } from "../table/column.js";

/** A column of a Parquet file. */
export interface ParquetColumn {
  /** Its name. */
  readonly name: string;
  /** What its values are as cells; undefined: they are none (lists, structures, bytes of a fixed length). */
  readonly kind: ColumnKind | undefined;
  /** Its type in the file: "int64", "timestamp", "list". */
  readonly type: string;
}

/** How raw values become cells. */
export type Conversion =
  | { readonly to: "number" | "integer" | "boolean" | "text" | "day" }
  | { readonly to: "timestamp"; readonly perSecond: bigint; readonly isUtc: boolean }
  | { readonly to: "time"; readonly perSecond: bigint };

/** A column, and how it is converted; undefined: its values are no cells. */
export interface ColumnSchema {
  readonly column: ParquetColumn;
  readonly conversion: Conversion | undefined;
  /** May values be missing? */
  readonly isOptional: boolean;
}

const kinds: Readonly<Record<Conversion["to"], ColumnKind>> = {
  number: "number",
  integer: "number",
  boolean: "boolean",
  text: "string",
  day: "string",
  timestamp: "string",
  time: "string",
};

const perSecond = { MILLIS: 1_000n, MICROS: 1_000_000n, NANOS: 1_000_000_000n } as const;

/**
 * The metadata with both marks of a type where a writer gives the newer one alone: hyparquet converts dates and decimals by the older one.
 */
export const withConvertedTypes = (metadata: FileMetaData): FileMetaData => ({
  ...metadata,
  schema: metadata.schema.map((element): SchemaElement => {
    const { converted_type: converted, logical_type: logical } = element;
    if (converted !== undefined || logical === undefined) return element;
    if (logical.type === "DATE") return { ...element, converted_type: "DATE" };
    if (logical.type === "DECIMAL")
      return { ...element, converted_type: "DECIMAL", scale: logical.scale, precision: logical.precision };
    return element;
  }),
});

/** The columns in the root of a file's schema. */
export const columnsOf = (root: SchemaTree): ColumnSchema[] =>
  root.children.map(({ element, children }) => {
    const isNested = children.length > 0 || element.repetition_type === "REPEATED";
    const { type, conversion }: Leaf = isNested ? { type: nestedType(element), conversion: undefined } : leafOf(element);
    const kind = conversion === undefined ? undefined : kinds[conversion.to];
    return { column: { name: element.name, kind, type }, conversion, isOptional: element.repetition_type !== "REQUIRED" };
  });

function nestedType({ logical_type: logical, converted_type: converted, repetition_type: repetition }: SchemaElement): string {
  const mark = logical?.type ?? converted;
  if (mark === "LIST" || repetition === "REPEATED") return "list";
  if (mark === "MAP" || mark === "MAP_KEY_VALUE") return "map";
  return mark === "VARIANT" ? "variant" : "structure";
}

interface Leaf {
  readonly type: string;
  readonly conversion: Conversion | undefined;
}

const timestamp = (unit: bigint, isUtc: boolean): Leaf => ({
  type: "timestamp",
  conversion: { to: "timestamp", perSecond: unit, isUtc },
});

/** By the newer mark of a type, the older one, or what it is stored as; the first that says something. */
function leafOf({ type, logical_type: logical, converted_type: converted }: SchemaElement): Leaf {
  if (logical?.type === "TIMESTAMP") return timestamp(perSecond[logical.unit], logical.isAdjustedToUTC);
  if (logical?.type === "TIME") return { type: "time", conversion: { to: "time", perSecond: perSecond[logical.unit] } };
  return (
    byMark[logical?.type ?? ""] ?? byMark[converted ?? ""] ?? byStorage[type ?? ""] ?? { type: "unknown", conversion: undefined }
  );
}

const text: Leaf = { type: "text", conversion: { to: "text" } };
const refused = (type: string): Leaf => ({ type, conversion: undefined });

const byMark: Readonly<Record<string, Leaf>> = {
  STRING: text,
  UTF8: text,
  ENUM: text,
  UUID: text,
  JSON: text,
  DATE: { type: "date", conversion: { to: "day" } },
  DECIMAL: { type: "decimal", conversion: { to: "number" } },
  FLOAT16: { type: "float16", conversion: { to: "number" } },
  TIMESTAMP_MILLIS: timestamp(1_000n, true),
  TIMESTAMP_MICROS: timestamp(1_000_000n, true),
  TIME_MILLIS: { type: "time", conversion: { to: "time", perSecond: 1_000n } },
  TIME_MICROS: { type: "time", conversion: { to: "time", perSecond: 1_000_000n } },
  BSON: refused("bson"),
  INTERVAL: refused("interval"),
  GEOMETRY: refused("geometry"),
  GEOGRAPHY: refused("geography"),
  VARIANT: refused("variant"),
  FILE: refused("file"),
};

const byStorage: Readonly<Record<string, Leaf>> = {
  BOOLEAN: { type: "bool", conversion: { to: "boolean" } },
  INT32: { type: "int32", conversion: { to: "integer" } },
  INT64: { type: "int64", conversion: { to: "integer" } },
  FLOAT: { type: "float32", conversion: { to: "number" } },
  DOUBLE: { type: "float64", conversion: { to: "number" } },
  // Nanoseconds, of writers from before timestamps; they say no zone.
  INT96: timestamp(1_000_000_000n, false),
  // Older writers leave texts without a mark. Bytes that are no text are refused when they are read.
  BYTE_ARRAY: { type: "bytes", conversion: { to: "text" } },
  FIXED_LEN_BYTE_ARRAY: refused("bytes of a fixed length"),
};
