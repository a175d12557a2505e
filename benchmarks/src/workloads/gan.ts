/** Two programs over shared parameters that take turns, next to each of them alone. */
import { contest, isMeasured, type Measured } from "../contest.js";
import { digits, ratioText, type Section } from "../table.js";
import type { GanTask } from "../task.js";
import { withContestants, type Workload } from "./workload.js";

const parts = ["discriminator", "generator", "both"] as const;

export const gan: Workload = {
  name: "gan",
  async run(setting) {
    const size = setting.small
      ? { latent: 3, hidden: 5, width: 4, batch: 2 }
      : { latent: 64, hidden: 256, width: 784, batch: 64 };
    const own = { ...setting, peers: [] };
    const entries = await withContestants(own, (discriminators) =>
      withContestants(own, (generators) =>
        withContestants(own, (both) =>
          contest(
            [...discriminators, ...generators, ...both],
            (contestant): GanTask => ({
              kind: "gan",
              part: both.includes(contestant) ? "both" : generators.includes(contestant) ? "generator" : "discriminator",
              ...size,
            }),
            setting.pace,
          ),
        ),
      ),
    );
    const count = entries.length / parts.length;
    const trios = Array.from({ length: count }, (_, i) => parts.map((_part, k) => entries[i + k * count]!)).filter(
      (trio): trio is Measured[] => trio.every(isMeasured),
    );
    return {
      workload: "gan",
      title: `Generator ${size.latent}-${size.hidden}-${size.width}, discriminator ${size.width}-${size.hidden}-1, batch ${size.batch}, AdamW, losses read every step`,
      sections: [section(trios)],
    };
  },
};

function section(trios: readonly (readonly Measured[])[]): Section {
  const rows = trios.map(([discriminator, generator, both]) => ({
    name: both!.name,
    medians: [discriminator, generator, both].map((entry) => entry!.time.median),
    ratio: both!.time.median / (discriminator!.time.median + generator!.time.median),
  }));
  return {
    title: "Two programs over shared parameters, in turns",
    head: ["", "discriminator ms", "generator ms", "both in turns ms", "both / sum"],
    rows: rows.map(({ name, medians, ratio }) => [name, ...medians.map(digits), ratioText(ratio)]),
    data: rows,
  };
}
