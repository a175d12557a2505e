/** The gallery: four kinds of definitions, each a list to choose from and the entry that is chosen. */
import { useEffect, useState } from "preact/hooks";
import type { ComponentType } from "preact";
import {
  activationNames,
  ActivationView,
  lossNames,
  LossView,
  optimizerNames,
  OptimizerView,
  scheduleNames,
  ScheduleView,
  type EntryProps,
} from "./entries.js";
import { formatGallery, kinds, parseGallery, type GalleryState, type Kind } from "./link.js";
import { Problem } from "../design/problem.js";

const rooms: Readonly<
  Record<Kind, { readonly title: string; readonly names: readonly string[]; readonly View: ComponentType<EntryProps> }>
> = {
  activations: { title: "Activations", names: activationNames, View: ActivationView },
  losses: { title: "Losses", names: lossNames, View: LossView },
  optimizers: { title: "Optimizers", names: optimizerNames, View: OptimizerView },
  schedules: { title: "Schedules", names: scheduleNames, View: ScheduleView },
};

const first: Readonly<Record<Kind, string>> = {
  activations: "relu",
  losses: "crossEntropy",
  optimizers: "adam",
  schedules: "cosine",
};

/** The state of a link with a name that there is, and what the link said wrongly. */
function read(hash: string): { readonly state: GalleryState & { readonly name: string }; readonly problem: string | undefined } {
  const state = parseGallery(hash);
  const { names } = rooms[state.kind];
  const others = state.others.filter((name) => names.includes(name));
  if (state.name === undefined) return { state: { ...state, name: first[state.kind], others }, problem: undefined };
  if (names.includes(state.name)) return { state: { ...state, name: state.name, others }, problem: undefined };
  return {
    state: { ...state, name: first[state.kind], others, given: new Map() },
    problem: `There is no "${state.name.slice(0, 40)}" among the ${state.kind}.`,
  };
}

export function Gallery() {
  const [{ state, problem }, setRead] = useState(() => read(location.hash.slice(1)));
  useEffect(() => {
    const follow = (): void => setRead(read(location.hash.slice(1)));
    addEventListener("hashchange", follow);
    return () => removeEventListener("hashchange", follow);
  }, []);
  const { kind, name, given, others } = state;
  const { title, names, View } = rooms[kind];
  const keep = (options: ReadonlyMap<string, string>, chosen: readonly string[]): void => {
    history.replaceState(null, "", `#${formatGallery({ kind, name, given: options, others: chosen })}`);
    setRead({ state: { kind, name, given: options, others: chosen }, problem: undefined });
  };
  return (
    <>
      <div class="title">
        <div>
          <h1>Gallery</h1>
          <p class="quiet">Every curve is computed here, by the definitions that train your networks.</p>
        </div>
        <nav class="kinds" aria-label="Kinds">
          {kinds.map((each) => (
            <a key={each} class="button" href={`#${each}`} aria-current={each === kind ? "true" : undefined}>
              {rooms[each].title}
            </a>
          ))}
        </nav>
      </div>
      {problem !== undefined && <Problem text={problem} />}
      <div class="gallery">
        <nav class="index" aria-label={title}>
          {names.map((each) => (
            <a
              key={each}
              href={`#${formatGallery({ kind, name: each, given: new Map(), others: [] })}`}
              aria-current={each === name ? "true" : undefined}
            >
              {each}
            </a>
          ))}
        </nav>
        <article class="entry card" data-entry={name}>
          <h2>{name}</h2>
          <View key={`${kind} ${name}`} name={name} given={given} others={others} onChange={keep} />
        </article>
      </div>
    </>
  );
}
