/** A surface as a map, with the ways of optimizers over it. */
import { useEffect, useMemo, useRef } from "preact/hooks";
import { colourParts, themeColour, useThemeVersion } from "../design/colours.js";
import { Legend, lineColours } from "../charts/legend.js";
import { heights, trajectory, type Surface } from "./surfaces.js";

const side = 120;
const levels = 14;

/** Heights as levels from 0 to 1, closer where it is low. */
function leveled(values: Float64Array): Float64Array {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  return values.map((value) => Math.sqrt((value - low) / (high - low)));
}

export function SurfaceView(props: {
  readonly surface: Surface;
  readonly names: readonly string[];
  readonly learningRate: number;
  readonly steps: number;
}) {
  const { surface, names, learningRate, steps } = props;
  const canvas = useRef<HTMLCanvasElement>(null);
  const theme = useThemeVersion();
  const map = useMemo(() => leveled(heights(surface, side)), [surface.name]);
  const ways = useMemo(
    () => names.map((name) => trajectory(surface, name, learningRate, steps)),
    [surface.name, names.join(), learningRate, steps],
  );
  const place = ([x, y]: readonly [number, number]): [number, number] => [
    ((x - surface.low[0]) / (surface.high[0] - surface.low[0])) * 100,
    (1 - (y - surface.low[1]) / (surface.high[1] - surface.low[1])) * 100,
  ];

  useEffect(() => {
    const context = canvas.current!.getContext("2d")!;
    const [paper, ink] = [colourParts("surface"), colourParts("class-0")];
    const image = context.createImageData(side, side);
    map.forEach((value, i) => {
      const share = 0.06 + (0.6 * Math.floor((1 - value) * levels)) / levels;
      image.data.set([...paper.map((from, k) => from + (ink[k]! - from) * share), 255], 4 * i);
    });
    context.putImageData(image, 0, 0);
  }, [map, theme]);

  const colours = names.map((_, i) => (i === 0 ? "ink" : lineColours[(i + 1) % lineColours.length]!));
  const ends = ways.map((way) => way.at(-1)!);
  return (
    <div class="surface-view">
      <Legend lines={names.map((name, i) => ({ name, colour: colours[i]! }))} />
      <div
        class="surface"
        role="img"
        aria-label={`${surface.title}: after ${steps} updates ${names.map((name, i) => `${name} is at ${ends[i]!.map((value) => value.toFixed(2)).join(", ")}`).join("; ")}.`}
      >
        <canvas ref={canvas} width={side} height={side} />
        <svg viewBox="0 0 100 100" preserveAspectRatio="none" aria-hidden="true">
          {ways.map((way, i) => (
            <polyline
              key={names[i]}
              points={way.map((at) => place(at).join(",")).join(" ")}
              fill="none"
              stroke={themeColour(colours[i]!)}
              stroke-width="2"
              vector-effect="non-scaling-stroke"
              stroke-linejoin="round"
            />
          ))}
        </svg>
        <Dot at={place(surface.start)} title="start" kind="start" />
        <Dot at={place(surface.minimum)} title="minimum" kind="minimum" />
        {ends.map((end, i) => (
          <Dot key={names[i]} at={place(end)} title={names[i]!} kind="end" colour={colours[i]!} />
        ))}
      </div>
    </div>
  );
}

function Dot({
  at: [x, y],
  title,
  kind,
  colour = "ink",
}: {
  at: readonly [number, number];
  title: string;
  kind: string;
  colour?: string;
}) {
  if (!(x >= 0 && x <= 100 && y >= 0 && y <= 100)) return null;
  return <i class="mark" data-kind={kind} title={title} style={{ left: `${x}%`, top: `${y}%`, "--of": `var(--${colour})` }} />;
}
