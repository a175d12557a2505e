/** Digits: a network is trained on ten thousand of them, here, and reads what is drawn. */
import { useMemo, useState } from "preact/hooks";
import { Legend } from "../charts/legend.js";
import { LineChart } from "../charts/lineChart.js";
import { Choice, Steps } from "../design/fields.js";
import { hiddenActivations, optimizerNames } from "../playground/options.js";
import { Drawing } from "./drawing.js";
import { initialChoices } from "./messages.js";
import { Confusion, Hardest, Scores } from "./report.js";
import { useDigits } from "./useDigits.js";

export function Digits() {
  const digits = useDigits();
  const [choices, setChoices] = useState(initialChoices);
  const { reports, losses, running, engine, failure } = digits;
  const latest = reports.at(-1);
  const change = (part: Partial<typeof choices>): void => setChoices({ ...choices, ...part });
  const curve = useMemo(
    () => ({
      x: losses.map(({ seconds }) => seconds),
      lines: [{ name: "training loss", colour: "ink", values: losses.map(({ loss }) => loss) }],
    }),
    [losses],
  );
  const figures = [
    ["Test accuracy", latest === undefined ? "–" : `${(100 * latest.accuracy).toFixed(2)} %`],
    ["Test loss", latest === undefined ? "–" : latest.testLoss.toFixed(4)],
    ["Epochs", latest === undefined ? "–" : `${latest.epoch + 1} in ${latest.seconds.toFixed(1)} s`],
    ["Updates a second", digits.stepsPerSecond > 0 ? Math.round(digits.stepsPerSecond).toLocaleString("en") : "–"],
  ] as const;
  return (
    <>
      <div class="title">
        <div>
          <h1>Handwritten digits</h1>
          <p class="quiet">
            {engine === undefined ? "Loading 10,000 digits …" : `Trained on 8,000, tried on 2,000, here: ${engine}.`}
          </p>
        </div>
      </div>
      {failure !== undefined && (
        <p class="problem" role="alert">
          {failure}
        </p>
      )}
      <div class="split">
        <div class="column">
          <form class="card part" aria-label="Settings" onSubmit={(event) => event.preventDefault()}>
            <div class="choices">
              <Choice
                label="Network"
                value={choices.model}
                options={[
                  { value: "mlp", title: "784-128-10" },
                  { value: "cnn", title: "convolutional" },
                ]}
                onChange={(model) => change({ model })}
              />
              <Choice
                label="Activation"
                value={choices.activation}
                options={hiddenActivations}
                onChange={(activation) => change({ activation })}
              />
              <Choice
                label="Optimizer"
                value={choices.optimizer}
                options={optimizerNames.filter((name) => name !== "muon")}
                onChange={(optimizer) => change({ optimizer })}
              />
              <Steps
                label="Learning rate"
                value={choices.learningRate}
                steps={[0.0001, 0.0003, 0.001, 0.002, 0.005, 0.01, 0.03, 0.1, 0.3]}
                onChange={(learningRate) => change({ learningRate })}
              />
              <Steps label="Epochs" value={choices.epochs} steps={[1, 2, 5, 10, 20]} onChange={(epochs) => change({ epochs })} />
            </div>
            {running ? (
              <button type="button" class="button" data-kind="main" onClick={digits.stop}>
                Stop
              </button>
            ) : (
              <button
                type="button"
                class="button"
                data-kind="main"
                disabled={engine === undefined}
                onClick={() => digits.train(choices)}
              >
                Train
              </button>
            )}
          </form>
          <dl class="figures">
            {figures.map(([name, value]) => (
              <div key={name} data-figure={name}>
                <dt>{name}</dt>
                <dd>{value}</dd>
              </div>
            ))}
          </dl>
          <section class="card part" aria-label="Loss by time">
            <div class="panel-head">
              <h2>Loss by seconds</h2>
              <Legend lines={curve.lines} />
            </div>
            <LineChart x={curve.x} lines={curve.lines} height={200} logarithmic label="Training loss by seconds" />
          </section>
          {latest !== undefined && <Confusion confusion={latest.confusion} />}
        </div>
        <div class="column">
          <Drawing answer={digits.answer} version={reports.length} onDrawing={digits.read} />
          {latest !== undefined && <Scores f1={latest.f1} />}
        </div>
      </div>
      {latest !== undefined && <Hardest hardest={latest.hardest} />}
    </>
  );
}
