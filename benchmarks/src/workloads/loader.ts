/** The data pipeline alone: shuffled batches of digits, ready to be fed. */
import { contest } from "../contest.js";
import { product } from "../model.js";
import { contestSection } from "../table.js";
import { trainings } from "./training.js";
import { withContestants, withData, type Workload } from "./workload.js";

export const loader: Workload = {
  name: "loader",
  async run(setting) {
    const digits = trainings.find(({ name }) => name === "digits")!;
    const { model, batch } = setting.small ? digits.small : digits;
    const batches = setting.small ? 3 : 125;
    const chosen = {
      ...setting,
      backends: setting.backends.slice(0, 1),
      peers: setting.peers.filter((name) => name === "pytorch"),
    };
    const entries = await withData({ model, batch, batches }, (data) =>
      withContestants(chosen, (all) => contest(all, { kind: "loader", ...data }, setting.pace)),
    );
    const samples = batch * batches;
    return {
      workload: "loader",
      title: `An epoch of ${samples} samples of ${product(model.input.shape)} values, shuffled, batch ${batch}`,
      sections: [contestSection("Samples", entries, { amount: samples, unit: "k samples/s" })],
    };
  },
};
