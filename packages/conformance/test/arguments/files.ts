/** A call of every function of `@ermine/formats`, `@ermine/preprocessing` and `@ermine/data`, and of the methods of sequences and tables. */
import * as data from "@ermine/data";
import * as csv from "@ermine/data/csv";
import * as imageFiles from "@ermine/data/images";
import * as nodeFiles from "@ermine/data/node";
import * as npyFiles from "@ermine/data/npy";
import * as parquet from "@ermine/data/parquet";
import * as formats from "@ermine/formats";
import * as npz from "@ermine/formats/npz";
import * as preprocessing from "@ermine/preprocessing";
import { dataset } from "@ermine/trainer";
import type { CallSpec } from "../../src/laws/arguments.js";
import { anything, call, fn, integer, list, only, optional, options, text } from "./slots.js";

type Rows = Readonly<Record<string, CallSpec>>;
type Any = (...args: readonly unknown[]) => unknown;

const array = () => ({ data: Float32Array.of(1, 2), shape: [2] });
const tensors = () => ({ a: array() });
const file = () => formats.writeSafetensors(tensors());
const npy = () => formats.writeNpy(array());
const archive = () => npz.writeNpz(tensors());

export const ofFormats: Rows = {
  fromHalf: call(
    formats.fromHalf,
    only(() => Uint16Array.of(1)),
    text("float16"),
  ),
  toHalf: call(formats.toHalf, list([1], "a typed array"), text("float16"), optional(text("x"))),
  readNpy: call(formats.readNpy, only(npy)),
  readNpyHeader: call(formats.readNpyHeader, only(npy)),
  readNpyRows: call(
    formats.readNpyRows,
    only(() => formats.readNpyHeader(npy())),
    only(() => new Uint8Array(4), "a typed array"),
  ),
  writeNpy: call(formats.writeNpy, only(array, "a float32 tensor", "an int32 tensor", "a bool tensor")),
  readSafetensors: call(formats.readSafetensors, only(file), options()),
  readSafetensorsHeader: call(
    formats.readSafetensorsHeader,
    only(file),
    integer(() => file().length),
    options(),
  ),
  safetensorsHeaderEnd: call(formats.safetensorsHeaderEnd, only(file), options()),
  ...Object.fromEntries(
    (["safetensorsParts", "writeSafetensors"] as const).map((name) => [name, call(formats[name], only(tensors), options())]),
  ),
};
export const ofNpz: Rows = {
  readNpz: call(npz.readNpz, only(archive), options()),
  writeNpz: call(npz.writeNpz, only(tensors), options()),
};

const fitted = () => preprocessing.columns({ x: preprocessing.standardize() }).fit({ x: [1, 2] });
const pixel = { data: Uint8Array.of(7), height: 1, width: 1, channels: 1 };
const classes = () => preprocessing.targetClasses(["a", "b"]);
const parts = () => ({ inputs: { x: fitted() }, outputs: { y: classes() } });
const json = (value: unknown): unknown => JSON.parse(JSON.stringify(value));
export const ofPreprocessing: Rows = {
  ...Object.fromEntries(
    (["dates", "embeddingIds", "impute", "minMax", "oneHot", "ordinal", "textIds", "textLength"] as const).map((name) => [
      name,
      call(preprocessing[name], options()),
    ]),
  ),
  ...Object.fromEntries((["log", "missing", "robust", "standardize"] as const).map((name) => [name, call(preprocessing[name])])),
  images: call(preprocessing.images, options({ size: 2 }, "size")),
  imagesFrom: call(
    preprocessing.imagesFrom,
    only(() => json(preprocessing.images({ size: 1, channels: 1 }).fit([pixel]))),
  ),
  columns: call(
    preprocessing.columns,
    only(() => ({ x: preprocessing.standardize() })),
  ),
  columnsFrom: call(
    preprocessing.columnsFrom,
    only(() => json(fitted())),
  ),
  targetClasses: call(preprocessing.targetClasses, list(["a", "b"], "an array", "a typed array")),
  targetClassesFrom: call(
    preprocessing.targetClassesFrom,
    only(() => json(classes())),
  ),
  tablePreprocessing: call(preprocessing.tablePreprocessing, options(parts, "outputs")),
  tablePreprocessingFrom: call(
    preprocessing.tablePreprocessingFrom,
    only(() => json(preprocessing.tablePreprocessing(parts() as never))),
  ),
};

const lines = () => ({ name: "x", open: () => [new TextEncoder().encode('{"x":1}\n')] });
const rowsOf = () => ({ name: "x", open: () => [new TextEncoder().encode("x,y\n1,2\n")] });
const items = ["an array", "an array of numbers", "a typed array"] as const;
const source = (make: unknown) => only(make, "a string");

export const ofData: Rows = {
  sequence: call(data.sequence, only([1, 2], ...items)),
  stream: call(
    data.stream,
    fn(() => [1, 2], ...items, "a Map"),
    options(),
  ),
  lengthBuckets: call(
    data.lengthBuckets,
    only([3, 20], "an array", "an array of numbers", "a typed array", "a whole number"),
    options(),
  ),
  batchByLength: call(
    data.batchByLength,
    only(() => data.sequence(["a", "bb"])),
    options({ length: (item: string) => item.length, buckets: [2], batchSize: 1 }),
  ),
  padSequences: call(data.padSequences, only([[1, 2], [3]], "an array", "an array of numbers"), options()),
  samples: call(
    data.samples,
    only(() => dataset({ inputs: [[1], [2]] })),
  ),
  table: call(
    data.table,
    only(() => ({ x: [1, 2] })),
  ),
  jsonLines: call(data.jsonLines, source(lines), options()),
};
export const ofCsv: Rows = {
  csvRows: call(csv.csvRows, source(rowsOf), options(undefined, "badRows")),
  readCsv: call(csv.readCsv, source(rowsOf), options(undefined, "quote", "columns")),
};
const flights = () => nodeFiles.file(new URL("../../../data/golden/examples/flights.parquet", import.meta.url));
export const ofParquet: Rows = {
  openParquet: call(parquet.openParquet, source(flights)),
  readParquet: call(parquet.readParquet, source(flights), options()),
};
const folder = () => new URL("../../../data/test/fixtures/images/", import.meta.url);
const image = () => nodeFiles.file(new URL("grey/0.png", folder()));
export const ofImages: Rows = {
  decodeImage: call(imageFiles.decodeImage, source(image)),
  decodeImages: call(
    imageFiles.decodeImages,
    only(() => data.sequence([image()])),
    options(undefined, "badImages"),
  ),
  imageFiles: call(imageFiles.imageFiles, only(folder)),
  imageFolder: call(imageFiles.imageFolder, only(folder)),
};
const opened = await npyFiles.openNpy(npy());
export const ofNpy: Rows = {
  openNpy: call(npyFiles.openNpy, source(npy)),
  npyDatasets: call(
    npyFiles.npyDatasets,
    only(() => ({ inputs: opened })),
    options(),
  ),
};
export const ofFiles: Rows = { file: call(nodeFiles.file, text("unused.csv")) };

const ofSequence = (name: string, ...args: CallSpec["arguments"]): [string, CallSpec] => [
  `Sequence.${name}`,
  call(
    (...given: readonly unknown[]) => (data.sequence([1, 2, 3, 4]) as unknown as Readonly<Record<string, Any>>)[name]!(...given),
    ...args,
  ),
];
const ofStream = (name: string, ...args: CallSpec["arguments"]): [string, CallSpec] => [
  `Stream.${name}`,
  call(
    (...given: readonly unknown[]) =>
      (data.stream(() => [1, 2, 3, 4]) as unknown as Readonly<Record<string, Any>>)[name]!(...given),
    ...args,
  ),
];
const steps = (of: typeof ofSequence): [string, CallSpec][] => [
  of(
    "map",
    fn((x: number) => x),
  ),
  of(
    "filter",
    fn(() => true),
  ),
  of(
    "mapAsync",
    fn(async (x: number) => x),
    options(),
  ),
  of("take", integer(2)),
  of("skip", integer(2)),
  of("shuffle", options({ buffer: 2 })),
  of("prefetch", integer(2)),
];
export const methods: Rows = Object.fromEntries([
  ...steps(ofSequence).filter(([name]) => name !== "Sequence.shuffle"),
  ...steps(ofStream),
  ofSequence("at", integer(1), optional(anything(undefined))),
  ofSequence("select", list([0], "a typed array")),
  ofSequence("kFold", integer(2), options()),
]);
