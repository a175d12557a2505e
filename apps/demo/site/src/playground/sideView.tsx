/** One side: the answer over the data, the network, losses, gradients, and what is wrong. */
import { useMemo, useState } from "preact/hooks";
import { LineChart, type Line } from "../charts/lineChart.js";
import type { Finding, Remedy } from "./findings.js";
import { downloadFile } from "../design/download.js";
import { extent } from "./inspect.js";
import type { CurvePoint } from "./run.js";
import type { Settings } from "./settings.js";
import type { Frame, Side } from "./useSide.js";
import { Problem } from "../design/problem.js";
import { FigureList } from "../design/figureList.js";

const loss = (value: number): string => (Number.isFinite(value) ? value.toPrecision(3) : String(value));
const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

function Figures({ frame }: { frame: Frame | undefined }) {
  const inspection = frame?.inspection;
  const figures: readonly (readonly [name: string, value: string])[] = [
    ["Updates", inspection?.update.toLocaleString("en") ?? "–"],
    ["Training loss", inspection === undefined ? "–" : loss(inspection.losses.training)],
    ["Validation loss", inspection === undefined ? "–" : loss(inspection.losses.validation)],
    ...(inspection?.accuracy === undefined ? [] : [["Validation accuracy", percent(inspection.accuracy.validation)] as const]),
  ];
  return <FigureList figures={figures} />;
}

const downloadCurve = (curve: readonly CurvePoint[]): void =>
  downloadFile(
    "losses.csv",
    [
      "update,training,validation",
      ...curve.map(({ update, training, validation }) => `${update},${training},${validation}`),
    ].join("\n"),
    "text/csv",
  );

function Losses({ frame }: { frame: Frame | undefined }) {
  const [logarithmic, setLogarithmic] = useState(false);
  const curve = frame?.curve ?? [];
  const x = useMemo(() => curve.map(({ update }) => update), [curve]);
  const lines = useMemo(
    (): Line[] => [
      { name: "training", colour: "ink", values: curve.map(({ training }) => training) },
      { name: "validation", colour: "negative", dashed: true, values: curve.map(({ validation }) => validation) },
    ],
    [curve],
  );
  return (
    <section class="panel" aria-label="Losses">
      <div class="panel-head">
        <h3>Loss by update</h3>
        <ul class="legend">
          <li>
            <span class="stroke" style={{ "--stroke": "var(--ink)" }} />
            training
          </li>
          <li>
            <span class="stroke" data-dashed style={{ "--stroke": "var(--negative)" }} />
            validation
          </li>
        </ul>
        <label class="check">
          <input type="checkbox" checked={logarithmic} onChange={({ currentTarget }) => setLogarithmic(currentTarget.checked)} />
          log
        </label>
        <button class="button" data-kind="small" disabled={curve.length === 0} onClick={() => downloadCurve(curve)}>
          CSV
        </button>
      </div>
      <LineChart x={x} lines={lines} height={170} logarithmic={logarithmic} label="Training and validation loss by update" />
    </section>
  );
}

function Gradients({ frame, layers }: { frame: Frame | undefined; layers: number }) {
  const norms = frame?.inspection.gradientNorms ?? Array.from({ length: layers + 1 }, () => 0);
  // From 10⁻⁵ to 10, logarithmically.
  const share = (norm: number): number => (norm > 0 ? Math.min(1, Math.max(0.01, (Math.log10(norm) + 5) / 6)) : 0);
  return (
    <section class="panel" aria-label="Gradient norms">
      <div class="panel-head">
        <h3>Gradient norm by layer</h3>
      </div>
      <ol class="norms">
        {norms.map((norm, i) => (
          <li key={i}>
            <span>{i === norms.length - 1 ? "Output" : `Layer ${i + 1}`}</span>
            <span class="bar">
              <i style={{ width: `${100 * share(norm)}%` }} />
            </span>
            <span class="norm">{norm === 0 ? "0" : norm.toExponential(1)}</span>
          </li>
        ))}
      </ol>
    </section>
  );
}

function Findings({ findings, onTry }: { findings: readonly Finding[]; onTry(remedy: Remedy): void }) {
  return (
    <div class="findings" role="region" aria-label="Findings">
      <p class="hidden" role="status">
        {findings.map(({ title }) => title).join(". ")}
      </p>
      {findings.map(({ id, grave, title, text, remedies }) => (
        <article key={id} class="finding" data-finding={id} data-grave={grave ? "" : undefined}>
          <h3>{title}</h3>
          <p>{text}</p>
          {remedies.length > 0 && (
            <div class="row">
              <span class="quiet">Try</span>
              {remedies.map((remedy) => (
                <button key={remedy.label} class="button" data-kind="small" onClick={() => onTry(remedy)}>
                  {remedy.label}
                </button>
              ))}
            </div>
          )}
        </article>
      ))}
    </div>
  );
}

const summary = (settings: Settings, frame: Frame | undefined): string => {
  const accuracy = frame?.inspection.accuracy;
  return `The network's answer over the data set ${settings.data}${accuracy === undefined ? "" : `, right for ${percent(accuracy.validation)} of the validation samples`}.`;
};

export function SideView(props: {
  readonly name: string | undefined;
  readonly settings: Settings;
  readonly side: Side;
  onTry(remedy: Remedy): void;
  /** A click in the picture, in the data's coordinates; undefined where points cannot be drawn. */
  readonly onDraw: ((x: number, y: number) => void) | undefined;
}) {
  const { name, settings, side, onDraw } = props;
  const { frame, failure } = side;
  const answer = useMemo(() => side.canvas("answer"), []);
  const network = useMemo(() => side.canvas("network"), []);
  const draw = (event: PointerEvent): void => {
    const { left, top, width, height } = (event.currentTarget as HTMLElement).getBoundingClientRect();
    const at = (part: number): number => (2 * part - 1) * extent;
    onDraw?.(at((event.clientX - left) / width), -at((event.clientY - top) / height));
  };
  return (
    <section class="side" aria-label={name === undefined ? "The run" : `Run ${name}`}>
      {name !== undefined && <h2 class="side-name">{name}</h2>}
      <Figures frame={frame} />
      {failure !== undefined && <Problem text={failure} />}
      <div class="canvases">
        <figure class="answer card" data-drawing={onDraw === undefined ? undefined : ""}>
          <canvas
            ref={answer}
            role="img"
            aria-label={summary(settings, frame)}
            onPointerDown={onDraw === undefined ? undefined : draw}
          />
          <figcaption>
            <span class="sample" />
            training <span class="sample" data-hollow /> validation
          </figcaption>
        </figure>
        <figure class="network card">
          <canvas
            ref={network}
            role="img"
            aria-label={`The network: hidden layers of ${settings.hidden.join(", ") || "no"} units, each drawn as its response over the picture, with weights as lines.`}
          />
          <figcaption>
            <span class="edge" style={{ "--stroke": "var(--positive)" }} /> weight above 0{" "}
            <span class="edge" style={{ "--stroke": "var(--negative)" }} /> below 0
          </figcaption>
        </figure>
      </div>
      <Findings findings={frame?.findings ?? []} onTry={props.onTry} />
      <div class="panels">
        <Losses frame={frame} />
        <Gradients frame={frame} layers={settings.hidden.length} />
      </div>
    </section>
  );
}
