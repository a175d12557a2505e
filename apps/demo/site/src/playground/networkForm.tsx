/** The network, and how it is trained. */
import { taskOf } from "../../../src/experiments/dataSets.js";
import { Choice, Steps } from "../design/fields.js";
import { hiddenActivations, lossChoices, optimizerNames, scheduleNames } from "./options.js";
import { mostLayers, mostUnits, type Settings } from "./settings.js";

interface FormProps {
  readonly settings: Settings;
  change(part: Partial<Settings>): void;
}

function Layers({ settings: { hidden }, change }: FormProps) {
  const set = (i: number, width: number): void => change({ hidden: hidden.map((old, at) => (at === i ? width : old)) });
  return (
    <div class="layers" role="group" aria-label="Hidden layers">
      {hidden.map((width, i) => (
        <div key={i} class="layer">
          <span>Layer {i + 1}</span>
          <button
            type="button"
            class="button"
            data-kind="small"
            disabled={width <= 1}
            aria-label={`One unit fewer in layer ${i + 1}`}
            onClick={() => set(i, width - 1)}
          >
            −
          </button>
          <output aria-label={`Units in layer ${i + 1}`}>{width}</output>
          <button
            type="button"
            class="button"
            data-kind="small"
            disabled={width >= mostUnits}
            aria-label={`One unit more in layer ${i + 1}`}
            onClick={() => set(i, width + 1)}
          >
            +
          </button>
          <button
            type="button"
            class="button"
            data-kind="small"
            aria-label={`Remove layer ${i + 1}`}
            onClick={() => change({ hidden: hidden.filter((_, at) => at !== i) })}
          >
            Remove
          </button>
        </div>
      ))}
      {hidden.length === 0 && <p class="quiet">No hidden layer: a linear model.</p>}
      <button
        type="button"
        class="button"
        data-kind="small"
        disabled={hidden.length >= mostLayers}
        onClick={() => change({ hidden: [...hidden, hidden.at(-1) ?? 6] })}
      >
        Add a layer
      </button>
    </div>
  );
}

const series = [0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10];

export function NetworkForm({ settings, change }: FormProps) {
  const task = taskOf(settings.data);
  const losses = lossChoices.filter(({ task: of }) => of === task).map(({ name }) => name);
  return (
    <>
      <fieldset class="group">
        <legend>Network</legend>
        <Layers settings={settings} change={change} />
        <Choice
          label="Activation"
          value={settings.activation}
          options={hiddenActivations}
          onChange={(activation) => change({ activation })}
        />
        {task === "classes" && (
          <Choice
            label="Output"
            value={settings.output}
            options={[
              { value: "logits", title: "logits" },
              { value: "softmax", title: "softmax (a mistake, mostly)" },
            ]}
            onChange={(output) => change({ output })}
          />
        )}
        <Steps
          label="Dropout"
          value={settings.dropout}
          steps={[0, 0.05, 0.1, 0.2, 0.3, 0.5]}
          onChange={(dropout) => change({ dropout })}
        />
      </fieldset>
      <fieldset class="group">
        <legend>Training</legend>
        <Choice label="Loss" value={settings.loss} options={losses} onChange={(loss) => change({ loss })} />
        <div class="pair">
          <Choice
            label="Optimizer"
            value={settings.optimizer}
            options={optimizerNames}
            onChange={(optimizer) => change({ optimizer })}
          />
          <Choice
            label="Schedule"
            value={settings.schedule}
            options={scheduleNames}
            onChange={(schedule) => change({ schedule })}
          />
        </div>
        <div class="pair">
          <Steps
            label="Learning rate"
            value={settings.learningRate}
            steps={series}
            onChange={(learningRate) => change({ learningRate })}
          />
          {settings.schedule !== "constant" && (
            <Steps
              label="Over updates"
              value={settings.updates}
              steps={[200, 500, 1000, 2000, 5000, 10_000, 50_000]}
              onChange={(updates) => change({ updates })}
            />
          )}
        </div>
        <div class="pair">
          <Steps
            label="Weight decay"
            value={settings.weightDecay}
            steps={[0, 0.0001, 0.001, 0.01, 0.03, 0.05, 0.1, 0.3, 1]}
            onChange={(weightDecay) => change({ weightDecay })}
          />
          <Steps
            label="Batch size"
            value={settings.batchSize}
            steps={[1, 5, 10, 20, 50, 100, 200, 700]}
            onChange={(batchSize) => change({ batchSize })}
          />
        </div>
      </fieldset>
    </>
  );
}
