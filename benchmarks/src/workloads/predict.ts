/** Latency of a prediction: inputs on the host to logits on the host. */
import { contest } from "../contest.js";
import { contestSection, type Section } from "../table.js";
import { trainings } from "./training.js";
import { withContestants, withData, type Workload } from "./workload.js";

export const predict: Workload = {
  name: "predict",
  async run(setting) {
    const sections: Section[] = [];
    for (const name of ["digits", "cnn"]) {
      const training = trainings.find((other) => other.name === name)!;
      const model = setting.small ? training.small.model : training.model;
      for (const batch of setting.small ? [1, 4] : [1, 256]) {
        const entries = await withData({ model, batch, batches: 8 }, (data) =>
          withContestants(setting, (all) => contest(all, { kind: "predict", ...data }, setting.pace)),
        );
        sections.push(contestSection(`${name}, batch ${batch}`, entries));
      }
    }
    return { workload: "predict", title: "Latency of predictions", sections };
  },
};
