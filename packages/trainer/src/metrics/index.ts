/** Metrics. */
export { accuracy, confusionMatrix } from "./accuracy.js";
export { defineMetric, type HostBatch, type Metric } from "./metric.js";
