/** `ermine predict`: rows of a file, and what a model says of them next to each. */
import { open, rename, rm } from "node:fs/promises";
import { extname } from "node:path";
import { ErmineError } from "@ermine/core";
import type { Cell } from "@ermine/data";
import { TableModel, type Answer } from "../model/tableModel.js";
import { rowBatches } from "../model/rows.js";
import type { Output, Streams } from "../run/output.js";
import type { ReadOptions } from "../table/readTable.js";

/** What `predict` is told. */
export interface PredictRequest {
  readonly model: string;
  readonly data: string;
  /** Where the rows go; undefined: standard output, as CSV, or with --json as JSON lines. */
  readonly out: string | undefined;
  readonly read: ReadOptions;
}

/** A sink for lines. */
interface Sink {
  write(text: string): Promise<unknown>;
}

/** @returns the exit status */
export async function predict(
  { model: path, data, out, read }: PredictRequest,
  output: Output,
  streams: Streams,
): Promise<number> {
  const model = await TableModel.load(path);
  try {
    if (out === undefined) {
      await predictTo(model, data, read, output.isJson, { write: async (text) => void streams.stdout.write(text) });
      return 0;
    }
    const extension = extname(out).toLowerCase();
    if (![".csv", ".jsonl", ".ndjson"].includes(extension))
      throw new ErmineError("ERMINE_OPTION", `${out}: predictions are written as .csv or .jsonl.`);
    const rows = await whole(out, (sink) => predictTo(model, data, read, extension !== ".csv", sink));
    output.event("end", { rows, out });
    output.say(`${rows} rows: ${out}`);
    return 0;
  } finally {
    model.dispose();
  }
}

/** Writes a file that is there when all of it is. @throws ErmineError ERMINE_FILE where it cannot be written */
async function whole<T>(path: string, write: (sink: Sink) => Promise<T>): Promise<T> {
  const partial = `${path}.${process.pid}.partial`;
  const failed = (error: unknown): unknown =>
    typeof (error as { readonly code?: unknown }).code === "string" && !(error instanceof ErmineError)
      ? new ErmineError("ERMINE_FILE", `${path} cannot be written: ${(error as Error).message}.`, { cause: error })
      : error;
  try {
    const handle = await open(partial, "w");
    let result: T;
    try {
      result = await write({ write: (text) => handle.write(text) });
    } finally {
      await handle.close();
    }
    await rename(partial, path);
    return result;
  } catch (error) {
    await rm(partial, { force: true });
    throw failed(error);
  }
}

/** @returns how many rows there were */
async function predictTo(model: TableModel, data: string, read: ReadOptions, isJson: boolean, sink: Sink): Promise<number> {
  let count = 0;
  for await (const rows of rowBatches(data, model.columnKinds, read)) {
    const predictions = await model.predict(rows);
    if (count === 0 && !isJson) await sink.write(csvLine([...Object.keys(rows[0]!), ...headings(model)]));
    const lines = rows.map((row, i) => {
      const answer = model.answer(predictions, i);
      return isJson ? `${JSON.stringify({ ...row, ...answer })}\n` : csvLine([...Object.values(row), ...fieldsOf(model, answer)]);
    });
    await sink.write(lines.join(""));
    count += rows.length;
  }
  return count;
}

const headings = ({ target, classes }: TableModel): string[] => [
  `predicted ${target}`,
  ...classes.map((name) => `probability of ${String(name)}`),
];

const fieldsOf = ({ classes }: TableModel, { prediction, probabilities }: Answer): Cell[] => [
  prediction,
  ...classes.map((name) => probabilities![String(name)]!),
];

/** A record of CSV. */
function csvLine(cells: readonly Cell[]): string {
  const field = (cell: Cell): string => {
    const text = cell === null ? "" : String(cell);
    return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return `${cells.map(field).join(",")}\n`;
}
