// A page that predicts by a model out of its file.
import { cpu } from "@ermine/backend-cpu";
import { loadPredictor } from "@ermine/predict";

export async function predictions(address, rows) {
  const predictor = await loadPredictor(address, { backend: await cpu() });
  const { output } = await predictor.predict(rows);
  return output.classes;
}
