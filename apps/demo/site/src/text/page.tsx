/** Text: a small transformer reads a book, here, and writes as it learns. */
import { useMemo, useState } from "preact/hooks";
import { Legend } from "../charts/legend.js";
import { LineChart, type Line } from "../charts/lineChart.js";
import { Choice, Steps } from "../design/fields.js";
import { initialChoices, initialDrawing, initialPrompt, type Candidate, type Choices, type Drawing } from "./messages.js";
import { useText, type Passage, type TextState } from "./useText.js";
import { Problem } from "../design/problem.js";
import { FigureList } from "../design/figureList.js";

const whole = (value: number): string => Math.round(value).toLocaleString("en");

function Figures({ text: { book, points, updatesPerSecond } }: { text: TextState }) {
  const latest = points.at(-1);
  const figures = [
    ["Loss on unseen text", latest === undefined ? "–" : latest.validation.toFixed(3)],
    [
      "Of the frequencies’ loss",
      latest === undefined || book === undefined ? "–" : `${Math.round((100 * latest.validation) / book.unigramEntropy)} %`,
    ],
    ["Updates", latest === undefined ? "–" : `${whole(latest.update)} in ${latest.seconds.toFixed(0)} s`],
    ["Updates a second", updatesPerSecond > 0 ? whole(updatesPerSecond) : "–"],
  ] as const;
  return <FigureList figures={figures} />;
}

const Written = ({ passage: { prompt, text } }: { passage: Passage }) => (
  <p class="passage">
    <b>{prompt}</b>
    {text}
  </p>
);

function Losses({ text: { book, points } }: { text: TextState }) {
  const x = useMemo(() => points.map(({ update }) => update), [points]);
  const lines = useMemo(
    (): Line[] => [
      { name: "training", colour: "ink", values: points.map(({ training }) => training) },
      { name: "unseen text", colour: "class-0", values: points.map(({ validation }) => validation) },
      { name: "frequencies alone", colour: "negative", dashed: true, values: points.map(() => book?.unigramEntropy ?? null) },
    ],
    [points, book],
  );
  return (
    <section class="card part" aria-label="Loss by update">
      <div class="panel-head">
        <h2>Nats a character, by update</h2>
        <Legend lines={lines} />
      </div>
      <LineChart
        x={x}
        lines={lines}
        height={200}
        label="Loss in training and on unseen text by update, next to the loss of one who knows the characters’ frequencies alone"
      />
    </section>
  );
}

const shown: Readonly<Record<string, string>> = { " ": "space", "\n": "new line" };

function Candidates({ candidates }: { candidates: readonly Candidate[] }) {
  return (
    <section class="card part" aria-label="What could have come last">
      <h2>What could have come last</h2>
      <ol class="answers candidates">
        {candidates.map(({ character, probability, share }) => (
          <li key={character} data-out={share === 0 ? "" : undefined}>
            <span>{shown[character] ?? character}</span>
            <span class="bar">
              <i style={{ width: `${100 * share}%` }} />
            </span>
            <span class="number">{share === 0 ? "left out" : `${(100 * share).toFixed(1)} %`}</span>
            <span class="number quiet">{`${(100 * probability).toFixed(1)} %`}</span>
          </li>
        ))}
      </ol>
      <p class="quiet">
        {candidates.length === 0
          ? "The likeliest characters at the end of what is written."
          : "With which probability it is drawn, and the model’s own."}
      </p>
    </section>
  );
}

export function Text() {
  const { text, train, send } = useText();
  const [choices, setChoices] = useState(initialChoices);
  const [drawing, setDrawing] = useState(initialDrawing);
  const [prompt, setPrompt] = useState(initialPrompt);
  const { book, parameters, state, passage, kept, refusal, failure } = text;
  const change = (part: Partial<Choices>): void => setChoices({ ...choices, ...part });
  const draw = (part: Partial<Drawing>): void => {
    const next = { ...drawing, ...part };
    setDrawing(next);
    send({ type: "drawing", drawing: next });
  };
  const topK = [1, 2, 3, 5, 10, 20, 40, book?.characters ?? 67];
  return (
    <>
      <div class="title">
        <div>
          <h1>Learning to write</h1>
          <p class="quiet">
            {book === undefined
              ? "Loading the book …"
              : `A transformer reads Alice’s Adventures in Wonderland, ${whole(book.length)} characters, and guesses which one comes next: ${book.engine}.`}
          </p>
        </div>
      </div>
      {failure !== undefined && <Problem text={failure} />}
      <div class="split">
        <div class="column">
          <div class="text-run">
            <div class="row" role="group" aria-label="Run">
              {state === "training" ? (
                <button class="button" data-kind="main" onClick={() => send({ type: "pause" })}>
                  Pause
                </button>
              ) : state === "paused" ? (
                <button class="button" data-kind="main" onClick={() => send({ type: "resume" })}>
                  Go on
                </button>
              ) : (
                <button class="button" data-kind="main" disabled={book === undefined} onClick={() => train(choices)}>
                  Train
                </button>
              )}
              {(state === "training" || state === "paused") && (
                <button class="button" onClick={() => train(choices)}>
                  Start again
                </button>
              )}
            </div>
            <Figures text={text} />
          </div>
          <section class="card part writing" aria-label="What it writes">
            <div class="panel-head">
              <h2>What it writes</h2>
              <p class="quiet">{passage === undefined ? "" : `after ${whole(passage.update)} updates`}</p>
            </div>
            {passage === undefined ? (
              <p class="passage quiet">Nothing yet. It begins with noise, finds letters and spaces, then words.</p>
            ) : (
              <Written passage={passage} />
            )}
            <form
              class="prompt"
              onSubmit={(event) => {
                event.preventDefault();
                send({ type: "write", prompt });
              }}
            >
              <label class="field">
                <span class="label">Begin with</span>
                <input
                  type="text"
                  value={prompt}
                  maxLength={60}
                  spellcheck={false}
                  onInput={({ currentTarget }) => setPrompt(currentTarget.value)}
                />
              </label>
              <button class="button" disabled={passage === undefined}>
                Write
              </button>
            </form>
            {refusal !== undefined && <Problem text={refusal} />}
          </section>
          <Losses text={text} />
        </div>
        <div class="column">
          <form class="card part" aria-label="How it writes" onSubmit={(event) => event.preventDefault()}>
            <h2>How it writes</h2>
            <Steps
              label="Temperature"
              value={drawing.temperature}
              steps={[0, 0.2, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.2, 1.5, 2]}
              onChange={(temperature) => draw({ temperature })}
            />
            <Steps label="Top k" value={drawing.topK} steps={topK} onChange={(next) => draw({ topK: next })} />
          </form>
          <Candidates candidates={text.candidates} />
          <form class="card part" aria-label="Model and training" onSubmit={(event) => event.preventDefault()}>
            <h2>Model and training</h2>
            <p class="quiet">
              Two blocks of causal attention in four heads over 64 characters
              {parameters === undefined ? "." : `: ${whole(parameters)} parameters.`}
            </p>
            <Choice
              label="Width"
              value={String(choices.width)}
              options={["32", "64", "96", "128"]}
              onChange={(width) => change({ width: Number(width) })}
            />
            <Steps
              label="Learning rate"
              value={choices.learningRate}
              steps={[0.0003, 0.001, 0.002, 0.004, 0.006, 0.01, 0.03, 0.1]}
              onChange={(learningRate) => change({ learningRate })}
            />
            <Steps
              label="Updates"
              value={choices.updates}
              steps={[100, 300, 700, 1500, 3000, 6000, 12_000]}
              onChange={(updates) => change({ updates })}
            />
            <p class="quiet">They hold for the next start.</p>
          </form>
        </div>
      </div>
      {kept.length > 0 && (
        <section class="card part" aria-label="What it wrote before">
          <h2>What it wrote before</h2>
          <ol class="before">
            {kept.map((each) => (
              <li key={each.update}>
                <p class="quiet">after {whole(each.update)} updates</p>
                <Written passage={each} />
              </li>
            ))}
          </ol>
        </section>
      )}
    </>
  );
}
