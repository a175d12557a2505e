/** What is said of a run: to read, and as files. */
import { classificationReport, type History } from "@ermine/trainer";
import type { Roles } from "../table/roles.js";
import type { Predictions } from "../training/probabilities.js";
import { scoreTitles, type Scores } from "../training/scores.js";
import { short } from "./axis.js";
import { confusionChart, lineChart, scatterChart } from "./svg.js";
import { confusionTable, histogram, linePlot, textTable, type Series } from "./terminal.js";

/** What came of a run. */
export interface RunResult {
  readonly roles: Roles;
  /** The classes' names; none of regression. */
  readonly classes: readonly string[];
  readonly metrics: Scores;
  readonly baseline: { readonly simple: Scores; readonly linear: Scores };
  /** Of all rows that were tested on. */
  readonly predictions: Predictions;
  readonly target: readonly number[];
  readonly testedRows: number;
  readonly folds: number | null;
  readonly history: History;
  readonly parameters: number;
  readonly batchSize: number;
  readonly seconds: number;
}

/** Classes of which a table fits on a terminal. */
const mostClassesInText = 12;

/** The text for people, and the files of the run folder by their names. */
export function reportOf(result: RunResult): { readonly text: string; readonly files: readonly (readonly [string, string])[] } {
  const { roles, history, classes, target, predictions } = result;
  const { epochs } = history;
  const series: Series[] = [
    { name: "training", values: epochs.map((logs) => logs["loss"]!) },
    { name: "validation", values: epochs.map((logs) => logs["valLoss"]!) },
  ];
  const best = 1 + series[1]!.values.indexOf(Math.min(...series[1]!.values));
  const lossName = roles.task === "regression" ? "squared error, scaled" : "cross-entropy";
  const files: [string, string][] = [["plots/loss.svg", lineChart(`Loss (${lossName})`, series, "epoch", "loss")]];
  const parts = [
    `Loss (${lossName})\n${linePlot(series, "epoch")}`,
    `Best in epoch ${best}; ended after epoch ${epochs.length}, ${reasonOf(history.stopped, epochs.length - best)}.`,
  ];
  if (roles.task === "regression") {
    const residuals = target.map((value, row) => predictions[row]! - value);
    files.push(["plots/residuals.svg", scatterChart(`${roles.target}: predicted and true`, target, predictions)]);
    parts.push(histogram(residuals, "Residuals (predicted − true), and how many rows have them"));
  } else {
    const rows = target.length;
    const report = classificationReport(
      { data: Float32Array.from(predictions), shape: [rows, classes.length] },
      { data: Int32Array.from(target), shape: [rows] },
      { labels: classes },
    );
    files.push(["plots/confusion.svg", confusionChart(`${roles.target}: true and predicted`, report.matrix, classes)]);
    if (classes.length <= mostClassesInText) parts.push(confusionTable(report.matrix, classes));
  }
  parts.push(scoreTable(result));
  const text = parts.join("\n\n");
  files.push(["report.txt", `${text}\n`]);
  return { text, files };
}

const reasonOf = (stopped: string, waited: number): string =>
  stopped === "finished"
    ? "the last that was asked for"
    : stopped.startsWith("valLoss")
      ? `as the validation's loss had no gain in ${waited} epochs`
      : `at ${stopped}`;

function scoreTable({ roles, metrics, baseline, testedRows, folds, parameters, seconds }: RunResult): string {
  const names = Object.keys(metrics);
  const row = (title: string, scores: Scores): string[] => [title, ...names.map((name) => short(scores[name]!))];
  const scores = textTable(
    ["", ...names.map((name) => scoreTitles[name] ?? name)],
    [
      row("network", metrics),
      row("linear model", baseline.linear),
      row(roles.task === "regression" ? "mean" : "majority", baseline.simple),
    ],
  );
  const of = folds === null ? `Of ${testedRows} rows that were held out` : `Mean of ${folds} folds, ${testedRows} rows`;
  return `${of}:\n\n${scores}\n\n${parameters.toLocaleString("en-US")} parameters, ${seconds.toFixed(1)} s`;
}
