/** Metrics. */
export { accuracy, confusionMatrix } from "./accuracy.js";
export { f1, precision, recall, type Average, type ClassMetricOptions } from "./classes.js";
export { logLoss, topKAccuracy } from "./topK.js";
export { meanAbsoluteError, meanSquaredError, r2 } from "./regression.js";
export { averagePrecision, bestThreshold, calibrationError, rocAuc, type RocAucOptions } from "./ranking.js";
export { classificationReport, type ClassificationReport, type ClassificationReportOptions, type ClassScores } from "./report.js";
export { defineMetric, unweighted, type HostBatch, type Metric } from "./metric.js";
