/** What the server takes and gives, as an OpenAPI document. */
import type { TableModel } from "../model/tableModel.js";
import { version } from "../run/environment.js";

/** Plain JSON. */
export function openApi({ columnKinds, target, classes }: TableModel): object {
  const properties = Object.fromEntries(Object.entries(columnKinds).map(([name, kind]) => [name, { type: [kind, "null"] }]));
  const answer = {
    type: "object",
    required: ["prediction"],
    properties: {
      prediction: classes.length === 0 ? { type: "number" } : { enum: classes },
      ...(classes.length === 0
        ? {}
        : {
            probabilities: {
              type: "object",
              properties: Object.fromEntries(classes.map((name) => [String(name), { type: "number" }])),
            },
          }),
    },
  };
  const content = (schema: object): object => ({ "application/json": { schema } });
  const rows = { type: "array", minItems: 1, items: { type: "object", properties } };
  const refused = {
    description: "What was wrong.",
    content: content({ type: "object", properties: { error: { type: "string" } } }),
  };
  return {
    openapi: "3.1.0",
    info: { title: `Predictions of ${target}`, version },
    paths: {
      "/predict": {
        post: {
          summary: `The ${target} of each row.`,
          requestBody: { required: true, content: content({ type: "object", required: ["rows"], properties: { rows } }) },
          responses: {
            200: {
              description: "A prediction for each row.",
              content: content({ type: "object", properties: { predictions: { type: "array", items: answer } } }),
            },
            400: refused,
            413: refused,
          },
        },
      },
      "/health": { get: { summary: "Whether it answers.", responses: { 200: { description: "It does." } } } },
      "/metrics": { get: { summary: "Counters as Prometheus reads them.", responses: { 200: { description: "Text." } } } },
    },
  };
}
