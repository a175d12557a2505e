/** A place to draw a digit, and what the model makes of it. */
import { useEffect, useRef } from "preact/hooks";
import { themeColour, useThemeVersion } from "../design/colours.js";
import { normalizeDrawing } from "./digitData.js";
import type { Race } from "./useRace.js";

const width = 140;

/** Read after every stroke. */
const context2d = (canvas: HTMLCanvasElement): CanvasRenderingContext2D => canvas.getContext("2d", { willReadFrequently: true })!;

export function Drawing(props: {
  readonly answer: Race["answer"];
  readonly version: number;
  onDrawing(pixels: Float32Array | undefined): void;
}) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const last = useRef<{ x: number; y: number } | undefined>(undefined);
  const theme = useThemeVersion();

  const read = (): void => {
    const { data } = context2d(canvas.current!).getImageData(0, 0, width, width);
    const grey = Float32Array.from({ length: width * width }, (_, i) => data[4 * i + 3]! / 255);
    props.onDrawing(normalizeDrawing(grey, width));
  };
  // A newer model reads it anew.
  useEffect(read, [props.version]);

  // What is drawn has the ink of the theme; only how much of it is there is read.
  useEffect(() => {
    const context = context2d(canvas.current!);
    context.globalCompositeOperation = "source-in";
    context.fillStyle = themeColour("ink");
    context.fillRect(0, 0, width, width);
    context.globalCompositeOperation = "source-over";
  }, [theme]);

  const at = ({ clientX, clientY }: PointerEvent): { x: number; y: number } => {
    const { left, top, width: shown } = canvas.current!.getBoundingClientRect();
    return { x: ((clientX - left) / shown) * width, y: ((clientY - top) / shown) * width };
  };
  const stroke = (event: PointerEvent): void => {
    const context = context2d(canvas.current!);
    const to = at(event);
    const from = last.current ?? to;
    Object.assign(context, { lineWidth: 11, lineCap: "round", strokeStyle: themeColour("ink") });
    context.beginPath();
    context.moveTo(from.x, from.y);
    context.lineTo(to.x, to.y + (from === to ? 0.01 : 0));
    context.stroke();
    last.current = to;
    read();
  };
  const clear = (): void => {
    context2d(canvas.current!).clearRect(0, 0, width, width);
    read();
  };
  const { answer } = props;
  const best = answer === undefined ? undefined : answer.probabilities.indexOf(Math.max(...answer.probabilities));
  return (
    <section class="card part drawing" aria-label="Draw a digit">
      <div class="panel-head">
        <h2>Draw a digit</h2>
        <button class="button" data-kind="small" onClick={clear}>
          Clear
        </button>
      </div>
      <canvas
        ref={canvas}
        width={width}
        height={width}
        role="img"
        aria-label={best === undefined ? "Nothing is drawn" : `A drawing that is taken for ${best}`}
        onPointerDown={(event) => {
          event.currentTarget.setPointerCapture(event.pointerId);
          last.current = undefined;
          stroke(event);
        }}
        onPointerMove={(event) => {
          if (event.buttons === 1) stroke(event);
        }}
      />
      <ol class="answers" aria-label="What it is taken for">
        {Array.from({ length: 10 }, (_, digit) => {
          const probability = answer?.probabilities[digit] ?? 0;
          return (
            <li key={digit} data-best={digit === best ? "" : undefined}>
              <span>{digit}</span>
              <span class="bar">
                <i style={{ width: `${100 * probability}%` }} />
              </span>
              <span class="number">{answer === undefined ? "" : `${(100 * probability).toFixed(1)} %`}</span>
              <span class="number quiet">{answer === undefined ? "" : answer.logits[digit]!.toFixed(1)}</span>
            </li>
          );
        })}
      </ol>
      <p class="quiet">Probability and logit, by the newest model, also while it trains.</p>
    </section>
  );
}
