/** Which data: a small picture of each set, how much of it, and how noisy. */
import { useMemo } from "preact/hooks";
import { dataSets, drawSamples, taskOf, type Samples } from "../../../src/experiments/dataSets.js";
import { Steps } from "../design/fields.js";
import type { Settings } from "./settings.js";

const side = 44;
const at = (value: number): number => ((value + 1.25) / 2.5) * side;

function Preview({ samples: { task, inputs, targets } }: { samples: Samples }) {
  return (
    <svg viewBox={`0 0 ${side} ${side}`} aria-hidden="true">
      {Array.from(targets, (target, i) => (
        <circle
          key={i}
          r={1.5}
          cx={at(task === "classes" ? inputs[2 * i]! : inputs[i]!)}
          cy={at(-(task === "classes" ? inputs[2 * i + 1]! : target))}
          fill={`var(--class-${task === "classes" ? target : 0})`}
        />
      ))}
    </svg>
  );
}

const Pen = () => (
  <svg viewBox={`0 0 ${side} ${side}`} aria-hidden="true">
    <path
      d="M14 30l1.500-5.500L27 13l4 4-11.500 11.500z"
      fill="none"
      stroke="var(--muted)"
      stroke-width="1.500"
      stroke-linejoin="round"
    />
  </svg>
);

export function DataPicker({ settings, change }: { readonly settings: Settings; change(part: Partial<Settings>): void }) {
  const previews = useMemo(
    () =>
      dataSets.map(({ name }) => drawSamples(name, { samples: 70, noise: 0.06, outliers: 0, seed: 3, points: settings.points })),
    [settings.points],
  );
  const choose = (data: Settings["data"]): void => change({ data });
  return (
    <fieldset class="group">
      <legend>Data</legend>
      <div class="pictures">
        {dataSets.map(({ name, title }, i) => (
          <label key={name} class="picture">
            <input type="radio" name="data" class="hidden" checked={settings.data === name} onChange={() => choose(name)} />
            {previews[i]!.targets.length === 0 ? <Pen /> : <Preview samples={previews[i]!} />}
            <span>{title}</span>
          </label>
        ))}
      </div>
      {settings.data !== "custom" && (
        <div class="pair">
          <Steps
            label="Samples"
            value={settings.samples}
            steps={[20, 50, 100, 200, 300, 500, 1000]}
            onChange={(samples) => change({ samples })}
          />
          <Steps
            label="Noise"
            value={settings.noise}
            steps={[0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5]}
            onChange={(noise) => change({ noise })}
          />
        </div>
      )}
      <div class="pair">
        {taskOf(settings.data) === "values" && (
          <Steps
            label="Outliers"
            value={settings.outliers}
            steps={[0, 0.05, 0.1, 0.15, 0.2, 0.3]}
            onChange={(outliers) => change({ outliers })}
          />
        )}
        <Steps label="Seed" value={settings.seed} steps={[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]} onChange={(seed) => change({ seed })} />
      </div>
    </fieldset>
  );
}
