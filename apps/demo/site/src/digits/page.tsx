/** Digits: networks are trained on ten thousand of them, in the page, on the server, or in a race of both, and read what is drawn. */
import { useMemo, useState } from "preact/hooks";
import { initialChoices, type ServerBackend } from "../../../src/race/messages.js";
import { Legend } from "../charts/legend.js";
import { LineChart, type Line } from "../charts/lineChart.js";
import { Choice, Steps } from "../design/fields.js";
import { hiddenActivations, optimizerNames } from "../playground/options.js";
import { Drawing } from "./drawing.js";
import { Lanes } from "./lanes.js";
import { isRunning, laneKinds, laneOf, raceCurves, type Lane, type LaneName } from "./race.js";
import { Confusion, Hardest, Scores } from "./report.js";
import { useRace } from "./useRace.js";
import { Problem } from "../design/problem.js";

/** Where to train. Without a server there is the page alone, and nothing to choose. */
function Places(props: {
  readonly backends: readonly ServerBackend[] | undefined;
  readonly chosen: readonly LaneName[];
  onChange(chosen: readonly LaneName[]): void;
}) {
  const { backends, chosen } = props;
  if (backends === undefined)
    return <p class="quiet">It trains in this page. Served by “pnpm demo web” it can race against cpu and TensorFlow in Node.</p>;
  const missing = backends.filter(({ available }) => !available);
  return (
    <fieldset class="places">
      <legend>Trains on</legend>
      {laneKinds.map(({ name, title, colour }) => {
        const isChosen = chosen.includes(name);
        const isMissing = missing.some((backend) => backend.name === name);
        return (
          <label key={name} class="check" style={{ "--of": `var(--${colour})` }}>
            <input
              type="checkbox"
              checked={isChosen}
              disabled={isMissing || (isChosen && chosen.length === 1)}
              onChange={() =>
                props.onChange(
                  laneKinds.flatMap((kind) => (chosen.includes(kind.name) !== (kind.name === name) ? [kind.name] : [])),
                )
              }
            />
            <span class="dot" aria-hidden="true" />
            {title}
          </label>
        );
      })}
      {missing.map(({ name, reason }) => (
        <p key={name} class="quiet">
          {laneOf(name).title}: {reason}
        </p>
      ))}
    </fieldset>
  );
}

function Losses({ lanes }: { lanes: readonly Lane[] }) {
  const { x, lines } = useMemo(() => {
    const curves = raceCurves(lanes);
    const shown = lanes.map(({ name }, i): Line => {
      const { title, colour } = laneOf(name);
      return { name: title, colour, values: curves.values[i]! };
    });
    return { x: curves.x, lines: shown };
  }, [lanes]);
  return (
    <section class="card part" aria-label="Loss by time">
      <div class="panel-head">
        <h2>Training loss by seconds</h2>
        <Legend lines={lines} />
      </div>
      <LineChart x={x} lines={lines} height={200} logarithmic spanGaps label="Training loss by seconds" />
    </section>
  );
}

/** Whose report is shown, where there are several. */
function Tabs(props: { readonly lanes: readonly Lane[]; readonly shown: LaneName; onChange(name: LaneName): void }) {
  if (props.lanes.length < 2) return null;
  return (
    <div class="row" role="group" aria-label="Report of">
      <span class="quiet">Report of</span>
      {props.lanes.map(({ name }) => (
        <button
          key={name}
          class="button"
          data-kind="small"
          aria-pressed={name === props.shown}
          onClick={() => props.onChange(name)}
        >
          {laneOf(name).title}
        </button>
      ))}
    </div>
  );
}

export function Digits() {
  const race = useRace();
  const [choices, setChoices] = useState(initialChoices);
  const [places, setPlaces] = useState<readonly LaneName[]>(["page"]);
  const [wanted, setWanted] = useState<LaneName>("page");
  const { engine, lanes, backends, failure } = race;
  const change = (part: Partial<typeof choices>): void => setChoices({ ...choices, ...part });
  const reported = lanes.filter(({ reports }) => reports.length > 0);
  const shown = reported.find(({ name }) => name === wanted) ?? reported[0];
  const latest = shown?.reports.at(-1);
  return (
    <>
      <div class="title">
        <div>
          <h1>Handwritten digits</h1>
          <p class="quiet">
            {engine === undefined ? "Loading 10,000 digits …" : `Trained on 8,000, tried on 2,000. This page has ${engine}.`}
          </p>
        </div>
      </div>
      {failure !== undefined && <Problem text={failure} />}
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
                steps={[0.0001, 0.0003, 0.001, 0.002, 0.005, 0.01, 0.03, 0.1, 0.3, 1, 10]}
                onChange={(learningRate) => change({ learningRate })}
              />
              <Steps label="Epochs" value={choices.epochs} steps={[1, 2, 5, 10, 20]} onChange={(epochs) => change({ epochs })} />
            </div>
            <Places backends={backends} chosen={places} onChange={setPlaces} />
            {lanes.some(isRunning) ? (
              <button type="button" class="button" data-kind="main" onClick={race.stop}>
                Stop
              </button>
            ) : (
              <button
                type="button"
                class="button"
                data-kind="main"
                disabled={engine === undefined}
                onClick={() => race.start(choices, places)}
              >
                {places.length > 1 ? "Race" : "Train"}
              </button>
            )}
          </form>
          {lanes.length > 0 && <Lanes lanes={lanes} />}
          <Losses lanes={lanes} />
          <Tabs lanes={reported} shown={shown?.name ?? "page"} onChange={setWanted} />
          {latest !== undefined && <Confusion confusion={latest.confusion} />}
        </div>
        <div class="column">
          <Drawing answer={race.answer} version={race.models} onDrawing={race.read} />
          {latest !== undefined && <Scores f1={latest.f1} />}
        </div>
      </div>
      {latest !== undefined && <Hardest hardest={latest.hardest} />}
    </>
  );
}
