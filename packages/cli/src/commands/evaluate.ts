/** `ermine evaluate`: how good a model is on rows whose target is known. */
import { ErmineError } from "@ermine/core";
import type { Cell } from "@ermine/data";
import { rowBatches } from "../model/rows.js";
import { TableModel } from "../model/tableModel.js";
import { short } from "../report/axis.js";
import { textTable } from "../report/terminal.js";
import type { Output } from "../run/output.js";
import { isMissing } from "../table/contents.js";
import type { ReadOptions } from "../table/readTable.js";
import { scoresOf, scoreTitles } from "../training/scores.js";

/** What `evaluate` is told. */
export interface EvaluateRequest {
  readonly model: string;
  readonly data: string;
  readonly read: ReadOptions;
}

/** @returns the exit status */
export async function evaluate({ model: path, data, read }: EvaluateRequest, output: Output): Promise<number> {
  const model = await TableModel.load(path);
  try {
    const { target, task, classes } = model;
    const kind = classes.length === 0 ? "number" : (typeof classes[0] as "number" | "string" | "boolean");
    const predictions: number[] = [];
    const truth: number[] = [];
    let [skipped, unknown] = [0, 0];
    for await (const batch of rowBatches(data, { ...model.columnKinds, [target]: kind }, read)) {
      const labelled = batch.filter((row) => !isMissing(row[target] ?? null));
      skipped += batch.length - labelled.length;
      const indexOf = (cell: Cell): number => (classes.length === 0 ? Number(cell) : classes.indexOf(cell!));
      const rows = labelled.filter((row) => classes.length === 0 || indexOf(row[target]!) >= 0);
      unknown += labelled.length - rows.length;
      if (rows.length === 0) continue;
      for (const value of await model.predict(rows)) predictions.push(value);
      for (const row of rows) truth.push(indexOf(row[target]!));
    }
    if (truth.length === 0)
      throw new ErmineError("ERMINE_DATA", `${data} has no row whose ${JSON.stringify(target)} the model could have said.`);
    if (skipped > 0) output.note(`${skipped} rows have no ${JSON.stringify(target)} and are left out.`);
    if (unknown > 0) output.note(`${unknown} rows have a ${JSON.stringify(target)} that training had not, and are left out.`);
    const metrics = scoresOf(task, Float64Array.from(predictions), truth);
    const names = Object.keys(metrics);
    output.event("end", { task, metrics, rows: truth.length });
    output.say(
      textTable(
        [`${truth.length} rows`, ...names.map((name) => scoreTitles[name] ?? name)],
        [[path, ...names.map((name) => short(metrics[name]!))]],
      ),
    );
    return 0;
  } finally {
    model.dispose();
  }
}
