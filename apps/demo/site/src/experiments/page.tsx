/** The experiments: each claim, its plot, what was measured, and whether it holds. They run when the page is opened. */
import { useEffect, useMemo, useState } from "preact/hooks";
import type { Experiment, Outcome } from "../../../src/experiments/experiment.js";
import { experiments } from "../../../src/experiments/index.js";
import { shownValue } from "../../../src/experiments/shownValue.js";
import { LineChart, type Line } from "../charts/lineChart.js";
import { Legend, lineColours } from "../charts/legend.js";
import { missingSupport } from "../design/support.js";
import type { FromWorker, ToWorker } from "./messages.js";
import { Problem } from "../design/problem.js";

interface Result {
  readonly outcome?: Outcome;
  readonly seconds?: number;
  readonly failure?: string;
}

/** The seed of the link; another than a whole number is the first one. */
function linkedSeed(): number {
  const text = new URLSearchParams(location.hash.slice(1)).get("seed");
  const seed = Number(text ?? 1);
  return text !== "" && Number.isSafeInteger(seed) && seed >= 0 ? seed : 1;
}

/** The results of a seed, as they come. */
function useResults(seed: number): { results: ReadonlyMap<string, Result>; failure: string | undefined } {
  const [results, setResults] = useState<ReadonlyMap<string, Result>>(new Map());
  const [failure, setFailure] = useState(missingSupport);
  useEffect(() => {
    if (missingSupport() !== undefined) return undefined;
    setResults(new Map());
    setFailure(undefined);
    const worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
    worker.onmessage = ({ data }: MessageEvent<FromWorker>) => {
      if (data.type === "failed" && data.name === undefined) setFailure(data.message);
      else {
        const result: Result =
          data.type === "outcome" ? { outcome: data.outcome, seconds: data.seconds } : { failure: data.message };
        setResults((before) => new Map([...before, [data.name!, result]]));
      }
    };
    worker.onerror = ({ message }) =>
      setFailure(`The worker of the experiments could not go on: ${message || "its script did not load"}.`);
    const start: ToWorker = { seed };
    worker.postMessage(start);
    return () => worker.terminate();
  }, [seed]);
  return { results, failure };
}

function Shown({ outcome }: { outcome: Outcome }) {
  const { figures, plot } = outcome;
  const lines = useMemo(
    (): Line[] =>
      (plot?.lines ?? []).map(({ name, values }, i) => ({ name, values, colour: lineColours[i % lineColours.length]! })),
    [plot],
  );
  return (
    <>
      {plot !== undefined && (
        <figure>
          <Legend lines={lines} />
          <LineChart
            x={plot.x}
            lines={lines}
            height={190}
            logarithmic={plot.logarithmic === true}
            label={`${lines.map(({ name }) => name).join(", ")} by ${plot.axis}`}
          />
          <figcaption>by {plot.axis}</figcaption>
        </figure>
      )}
      <table>
        <tbody>
          {figures.map(({ name, value }) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td>{shownValue(value)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}

function Verdict({ result }: { result: Result | undefined }) {
  if (result === undefined) return <p class="verdict">Waiting</p>;
  if (result.failure !== undefined)
    return (
      <p class="verdict" data-verdict="failed">
        It failed
      </p>
    );
  const holds = result.outcome!.holds;
  return (
    <p class="verdict" data-verdict={holds ? "holds" : "refuted"}>
      {holds ? "It holds" : "It does not hold"}
    </p>
  );
}

function Card({
  experiment: { name, claim, method },
  place,
  result,
}: {
  experiment: Experiment;
  place: number;
  result: Result | undefined;
}) {
  return (
    <article class="experiment card" id={name} data-experiment={name}>
      <header>
        <span class="place">{place}</span>
        <Verdict result={result} />
      </header>
      <h2>{claim}</h2>
      <p class="quiet">{method}</p>
      {result?.failure !== undefined && <Problem text={result.failure} />}
      {result?.outcome !== undefined && <Shown outcome={result.outcome} />}
    </article>
  );
}

export function Experiments() {
  const [seed, setSeed] = useState(linkedSeed);
  const { results, failure } = useResults(seed);
  useEffect(() => {
    const follow = (): void => setSeed(linkedSeed());
    addEventListener("hashchange", follow);
    return () => removeEventListener("hashchange", follow);
  }, []);
  const choose = (next: number): void => {
    history.replaceState(null, "", `#seed=${next}`);
    setSeed(next);
  };
  const holding = [...results.values()].filter(({ outcome }) => outcome?.holds === true).length;
  return (
    <>
      <div class="title">
        <div>
          <h1>Experiments</h1>
          <p class="quiet">
            Claims that everybody has heard, and whether they hold. Each runs here; a seed has the same figures everywhere.
          </p>
        </div>
        <div class="row">
          <p class="progress" role="status">
            {results.size < experiments.length
              ? `${results.size} of ${experiments.length} done`
              : `${holding} of ${experiments.length} hold`}
          </p>
          <button class="button" onClick={() => choose(seed + 1)}>
            Again with seed {seed + 1}
          </button>
        </div>
      </div>
      {failure !== undefined && <Problem text={failure} />}
      <div class="experiments">
        {experiments.map((experiment, i) => (
          <Card key={experiment.name} experiment={experiment} place={i + 1} result={results.get(experiment.name)} />
        ))}
      </div>
    </>
  );
}
