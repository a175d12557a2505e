/** An entry of each kind: its charts, computed by the definition, its options, what is known of it, and its code. */
import type { Activation, Loss } from "@ermine/core";
import { activations, losses, type ActivationEntry } from "@ermine/core/catalog";
import { useMemo, useState } from "preact/hooks";
import { LineChart, type Line } from "../charts/lineChart.js";
import { activationCode, lossCode, optimizerCode, scheduleCode } from "./code.js";
import { Legend, lineColours } from "../charts/legend.js";
import { Problem } from "../design/problem.js";
import { attempt, Controls, Facts, Others, Programs } from "./controls.js";
import { activationCurve, isAlongAxis, lossCurves, preluWeight, spread } from "../../../src/curves.js";
import { activationFacts, lossFacts } from "../../../src/facts.js";
import { changedValues, parametersOf, readValues, type Parameter, type Values } from "./parameters.js";
import { moving, surfaces } from "./surfaces.js";
import { optimizerProse } from "./optimizerProse.js";
import { optionsOfSchedule, parametersOfSchedule, scheduleCurve, scheduleNames } from "./scheduleCurves.js";
import { scheduleProse } from "./scheduleProse.js";
import { SurfaceView } from "./surfaceView.js";

/** What every entry is shown with. */
export interface EntryProps {
  readonly name: string;
  readonly given: ReadonlyMap<string, string>;
  readonly others: readonly string[];
  /** Keeps options and others in the link. */
  onChange(given: ReadonlyMap<string, string>, others: readonly string[]): void;
}

const asTexts = (values: Values): Map<string, string> =>
  new Map(Object.entries(values).map(([name, value]) => [name, String(value)]));

const points = spread(-6, 6, 361);

const activationOf = (name: string): ActivationEntry => activations.find((entry) => entry.name === name)!;

function activationParameters({ activation }: ActivationEntry): Parameter[] {
  if ("defaults" in activation)
    return parametersOf((activation as Activation).defaults, (activation as Activation).optionExamples);
  return [{ name: "weight", kind: "number", initial: preluWeight, low: -1, high: 1, step: 0.05 }];
}

export const activationNames: readonly string[] = activations.map(({ name }) => name);

export function ActivationView({ name, given, others, onChange }: EntryProps) {
  const entry = activationOf(name);
  const parameters = useMemo(() => activationParameters(entry), [name]);
  const values = readValues(parameters, given);
  const key = `${name} ${[...given].join()} ${others.join()}`;
  const { result, problem } = useMemo(
    () =>
      attempt(() => [
        { name, curve: activationCurve(entry, values, points) },
        ...others.map((other) => ({ name: other, curve: activationCurve(activationOf(other), {}, points) })),
      ]),
    [key],
  );
  const linesOf = (part: "value" | "slope" | "bend"): Line[] =>
    (result ?? []).map(({ name: of, curve }, i) => ({
      name: of,
      colour: lineColours[i % lineColours.length]!,
      values: curve[part],
    }));
  const charts = useMemo(() => ({ value: linesOf("value"), slope: linesOf("slope"), bend: linesOf("bend") }), [result]);
  return (
    <>
      <div class="panel-head">
        <Legend lines={charts.value} />
        <Others
          names={activationNames.filter((each) => each !== name)}
          chosen={others}
          onChange={(next) => onChange(given, next)}
        />
      </div>
      {problem !== undefined && <Problem text={problem} />}
      {isAlongAxis(entry) && <p class="quiet">It works along an axis: shown is the first result for (x, 0), by x.</p>}
      <LineChart x={points} lines={charts.value} height={280} label={`${name} from −6 to 6`} />
      <Controls
        parameters={parameters}
        values={values}
        onChange={(next) => onChange(asTexts(changedValues(parameters, next)), others)}
      />
      <div class="two">
        <section aria-label="Derivative">
          <h3>Derivative</h3>
          <LineChart x={points} lines={charts.slope} height={190} label={`The derivative of ${name}`} />
        </section>
        <section aria-label="Second derivative">
          <h3>Second derivative</h3>
          <LineChart x={points} lines={charts.bend} height={190} label={`The second derivative of ${name}`} />
        </section>
      </div>
      <Facts facts={[...activationFacts(entry), ["Source", entry.prose?.source]]} />
      <Programs
        code={activationCode(
          name,
          "defaults" in entry.activation ? "x" : "x, weight",
          "defaults" in entry.activation ? changedValues(parameters, values) : {},
        )}
      />
    </>
  );
}

export const lossNames: readonly string[] = losses.map(({ name }) => name);

export function LossView({ name, given, others, onChange }: EntryProps) {
  const entry = losses.find((each) => each.name === name)!;
  const loss = entry.loss as Loss;
  const samples = Object.keys(loss.samples);
  const sample = samples.find((each) => each === given.get("sample")) ?? samples[0]!;
  const parameters = useMemo(() => parametersOf(loss.defaults, loss.optionExamples), [name]);
  const values = readValues(parameters, given);
  const { result, problem } = useMemo(
    () => attempt(() => lossCurves(loss, sample, changedValues(parameters, values))),
    [`${name} ${[...given].join()}`],
  );
  const lines = useMemo(() => {
    const of = (part: "value" | "slope"): Line[] =>
      (result?.lines ?? []).map((line, i) => ({ name: line.name, colour: lineColours[i]!, values: line[part] }));
    return { value: of("value"), slope: of("slope") };
  }, [result]);
  const isInfinite = result?.lines.every(({ value }) => value.every((each) => !Number.isFinite(each))) === true;
  const keep = (next: Values, chosen: string): void => {
    const texts = asTexts(changedValues(parameters, next));
    if (chosen !== samples[0]) texts.set("sample", chosen);
    onChange(texts, others);
  };
  return (
    <>
      <div class="panel-head">
        <Legend lines={lines.value} />
        {samples.length > 1 && (
          <label class="sample-choice">
            Targets
            <select value={sample} onChange={({ currentTarget }) => keep(values, currentTarget.value)}>
              {samples.map((each) => (
                <option key={each} value={each}>
                  {each}
                </option>
              ))}
            </select>
          </label>
        )}
      </div>
      {problem !== undefined && <Problem text={problem} />}
      {result !== undefined && isInfinite && <p>For these targets the loss is infinite, whatever is predicted.</p>}
      {result !== undefined && !isInfinite && (
        <>
          <div class="two">
            <section aria-label="Loss">
              <h3>Loss by {result.axis}</h3>
              <LineChart x={result.x} lines={lines.value} height={260} label={`${name} by ${result.axis}`} />
            </section>
            <section aria-label="Gradient">
              <h3>Gradient</h3>
              <LineChart x={result.x} lines={lines.slope} height={260} label={`The gradient of ${name} by ${result.axis}`} />
            </section>
          </div>
          <p class="quiet">One sample, by the first element of its prediction.</p>
        </>
      )}
      <Controls parameters={parameters} values={values} onChange={(next) => keep(next, sample)} />
      <Facts facts={[...lossFacts(entry), ["Mean", entry.prose?.mean], ["Source", entry.prose?.source]]} />
      <Programs
        code={lossCode(
          name,
          loss.inputs.map((input) => input.name),
          changedValues(parameters, values),
        )}
      />
    </>
  );
}

export const optimizerNames = moving;

const rates = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1];

export function OptimizerView({ name, given, others, onChange }: EntryProps) {
  const surface = surfaces.find((each) => each.name === given.get("surface")) ?? surfaces[0]!;
  const learningRate = rates.find((rate) => String(rate) === given.get("learningRate")) ?? 0.1;
  const set = (key: string, value: string): void => onChange(new Map([...given, [key, value]]), others);
  const prose = optimizerProse[name];
  const [steps, setSteps] = useState(100);
  const rate: Parameter = {
    name: "step of the learning rate",
    kind: "number",
    initial: rates.indexOf(0.1),
    low: 0,
    high: rates.length - 1,
    step: 1,
  };
  const count: Parameter = { name: "updates", kind: "number", initial: 100, low: 5, high: 300, step: 5 };
  return (
    <>
      <div class="panel-head">
        <label class="sample-choice">
          Surface
          <select value={surface.name} onChange={({ currentTarget }) => set("surface", currentTarget.value)}>
            {surfaces.map((each) => (
              <option key={each.name} value={each.name}>
                {each.title}
              </option>
            ))}
          </select>
        </label>
        <Others names={moving.filter((each) => each !== name)} chosen={others} onChange={(next) => onChange(given, next)} />
      </div>
      <p class="quiet">{surface.about}</p>
      <div class="next-to-surface">
        <SurfaceView surface={surface} names={[name, ...others]} learningRate={learningRate} steps={steps} />
        <Facts
          facts={[
            ["Update", prose?.formula.replaceAll("; ", "\n")],
            ["Step", prose?.step],
            ["Keeps", prose?.state],
            ["Role", prose?.role],
            ["Source", prose?.source],
          ]}
        />
      </div>
      <div class="options">
        <div class="field">
          <label class="label" for="rate">
            Learning rate<output>{learningRate}</output>
          </label>
          <input
            id="rate"
            type="range"
            min={rate.low}
            max={rate.high}
            step={1}
            value={rates.indexOf(learningRate)}
            aria-valuetext={String(learningRate)}
            onInput={({ currentTarget }) => set("learningRate", String(rates[Number(currentTarget.value)]))}
          />
        </div>
        <Controls parameters={[count]} values={{ updates: steps }} onChange={({ updates }) => setSteps(Number(updates))} />
      </div>
      <Programs code={optimizerCode(name, learningRate)} />
    </>
  );
}

export { scheduleNames };

export function ScheduleView({ name, given, others, onChange }: EntryProps) {
  const parameters = parametersOfSchedule(name);
  const prose = scheduleProse[name];
  const values = readValues(parameters, given);
  const { result, problem } = useMemo(
    () =>
      attempt(() => [
        { name, curve: scheduleCurve(name, values) },
        ...others.map((other) => ({ name: other, curve: scheduleCurve(other, {}) })),
      ]),
    [`${name} ${[...given].join()} ${others.join()}`],
  );
  const lines = useMemo(
    (): Line[] =>
      (result ?? []).map((each, i) => ({
        name: each.name,
        colour: lineColours[i % lineColours.length]!,
        values: each.curve.value,
      })),
    [result],
  );
  return (
    <>
      <div class="panel-head">
        <Legend lines={lines} />
        <Others
          names={scheduleNames.filter((each) => each !== name)}
          chosen={others}
          onChange={(next) => onChange(given, next)}
        />
      </div>
      {problem !== undefined && <Problem text={problem} />}
      {result !== undefined && (
        <LineChart
          x={result[0]!.curve.x}
          lines={lines}
          height={300}
          label={`The learning rate of ${name} by update, for lr = 1`}
        />
      )}
      <Controls
        parameters={parameters}
        values={values}
        onChange={(next) => onChange(asTexts(changedValues(parameters, next)), others)}
      />
      <p class="quiet">The learning rate by update, for lr = 1.</p>
      <Facts
        facts={[
          ["Formula", prose?.formula],
          ["Range", prose?.range],
          ["Role", prose?.role],
        ]}
      />
      <Programs code={scheduleCode(name, 1, optionsOfSchedule(name, changedValues(parameters, values)))} />
    </>
  );
}
