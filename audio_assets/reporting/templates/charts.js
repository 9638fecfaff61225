"use strict";
// Draws every chart of the page from the specification in the script element that it names, one after
// the other: drawing 30 species at once would block showing and scrolling the page for seconds.
const narrow = matchMedia("(max-width: 40rem)");
let printing = false;
drawAll();
narrow.addEventListener("change", () => {
  if (!printing) drawAll();
});

async function drawAll() {
  const form = narrow.matches;
  for (const place of document.querySelectorAll("[data-specification]")) {
    if (form !== narrow.matches) return;
    for (const old of place.parentElement.querySelectorAll(":scope > .switches, :scope > .pick")) {
      old.remove();
    }
    if (place.parentElement.nextElementSibling?.className === "player") {
      place.parentElement.nextElementSibling.remove();
    }
    await draw(place);
    await new Promise((shown) => setTimeout(shown));
  }
}

// Applies a patch to a specification, as RFC 7396 has it.
function patch(target, changes) {
  for (const [name, value] of Object.entries(changes)) {
    if (value === null) delete target[name];
    else if (typeof value === "object" && !Array.isArray(value)) {
      target[name] = patch(target[name] ?? {}, value);
    } else target[name] = value;
  }
  return target;
}

// Gives a chart the form that fits a narrow screen, if it has one.
function fit(specification) {
  const changes = specification.usermeta?.narrow;
  if (!changes || !narrow.matches) return;
  patch(specification, changes.patch);
  for (const { encoding } of changes.legend ? specification.layer : []) {
    for (const channel of [encoding?.color, encoding?.shape]) {
      if (channel?.legend === null) channel.legend = changes.legend;
    }
  }
  for (const signal of specification.params ?? []) {
    if (signal.name === "narrow") signal.value = true;
  }
}

async function draw(place) {
  try {
    const specification = JSON.parse(
      document.getElementById(place.dataset.specification).textContent
    );
    specification.background = "transparent";
    fit(specification);
    const { view } = await vegaEmbed(place, specification);
    // The menu of vega-embed is a picture of three dots.
    place.querySelector("summary")?.setAttribute("aria-label", "Save this chart");
    addSwitches(place, view, specification);
    addRecordings(place, view, specification);
    addPlayer(place, view, specification);
  } catch (error) {
    place.textContent = "This chart could not be drawn: " + error.message;
    console.error(error);
  }
}

// One checkbox per model above its chart, if there is more than one model. A model that is hidden in
// one chart is hidden in all charts of its section.
function addSwitches(place, view, specification) {
  const models = specification.usermeta?.switches ?? [];
  if (models.length < 2) return;
  const group = document.createElement("fieldset");
  group.className = "switches";
  group.append(document.createElement("legend"));
  group.firstChild.textContent = "Models shown";
  const section = place.closest("section") ?? document.body;
  // A model may have been switched off before this chart was drawn.
  const earlier = [...section.querySelectorAll(".switches input")];
  const boxes = models.map((model) => {
    const box = document.createElement("input");
    box.type = "checkbox";
    box.checked = earlier.every(({ value, checked }) => value !== model.key || checked);
    box.autocomplete = "off";
    box.value = model.key;
    box.style.accentColor = model.color;
    const label = document.createElement("label");
    label.append(box, " " + model.title);
    group.append(label, " ");
    return box;
  });
  group.addEventListener("change", ({ target }) => {
    for (const box of section.querySelectorAll(".switches input")) {
      if (box.value === target.value) box.checked = target.checked;
    }
    section.dispatchEvent(new Event("switched"));
  });
  const hide = () => {
    const hidden = boxes.filter((box) => !box.checked).map((box) => box.value);
    view.signal("hidden", hidden).runAsync();
  };
  if (boxes.some((box) => !box.checked)) hide();
  section.addEventListener("switched", hide);
  place.before(group);
}

// The list of a map's recordings. Clips of the chosen recording stay and the others fade, as they do
// when a reader points at a clip.
function addRecordings(place, view, specification) {
  const picks = specification.usermeta?.picks;
  if (!picks) return;
  const counts = new Map();
  for (const { recording } of view.data(picks.data)) {
    counts.set(recording, (counts.get(recording) ?? 0) + 1);
  }
  const names = [...counts.keys()].sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
  const list = document.createElement("select");
  list.autocomplete = "off";
  list.add(new Option(`all ${names.length}`));
  for (const name of names) list.add(new Option(`${name} (${counts.get(name)})`));
  const label = document.createElement("label");
  label.className = "pick";
  label.append("Recording", list);
  const show = (recording) => view.signal(picks.signal, recording).runAsync();
  const showChosen = () => show(names[list.selectedIndex - 1] ?? null);
  list.addEventListener("change", showChosen);
  view.addEventListener("pointerover", (_, item) => {
    if (counts.has(item?.datum?.recording)) show(item.datum.recording);
  });
  view.addEventListener("pointerout", showChosen);
  place.before(label);
}

// The player of a map. A click on a point, or Enter on one with a ring, plays its clip: the sound is
// that of the list of clips, so that it is on the page once.
function addPlayer(place, view, specification) {
  if (!specification.usermeta?.plays) return;
  const sounds = new Map();
  for (const sound of place.closest("section").querySelectorAll("audio[data-clip]")) {
    sounds.set(sound.dataset.clip, sound);
  }
  const box = document.createElement("div");
  box.className = "player";
  const words = document.createElement("p");
  words.setAttribute("role", "status");
  const player = document.createElement("audio");
  player.controls = true;
  player.hidden = true;
  box.append(words, player);
  const play = (clip) => {
    const sound = sounds.get(clip.clip);
    player.pause();
    player.hidden = !sound;
    words.textContent = sound
      ? `Playing ${clip.clip}, recording ${clip.recording}.`
      : `The sound of ${clip.clip} is not in this page. Points with a ring can be played.`;
    if (!sound) return;
    player.src = sound.src;
    player.setAttribute("aria-label", `Sound of ${clip.clip}`);
    player.play().catch((error) => {
      words.textContent = `${clip.clip} could not be played: ${error.message}`;
    });
  };
  const isClip = (datum) => datum?.clip !== undefined;
  view.addEventListener("click", (_, item) => {
    if (isClip(item?.datum)) play(item.datum);
  });
  // Not a further listener: a chart may be drawn again.
  place.onkeydown = (event) => {
    const datum = event.target.__data__?.datum;
    if ((event.key !== "Enter" && event.key !== " ") || !isClip(datum)) return;
    event.preventDefault();
    play(datum);
  };
  for (const point of place.querySelectorAll(".mark-symbol.role-mark path[aria-label]")) {
    point.setAttribute("role", "button");
    point.setAttribute("tabindex", "0");
  }
  place.parentElement.after(box);
}

// Unfold everything before printing.
const folds = () => document.querySelectorAll("main details:not(.vega-embed details)");
addEventListener("beforeprint", () => {
  printing = true;
  for (const part of folds()) {
    if (!part.open) part.dataset.folded = "";
    part.open = true;
  }
});
addEventListener("afterprint", () => {
  printing = false;
  for (const part of folds()) {
    if ("folded" in part.dataset) part.open = false;
    delete part.dataset.folded;
  }
});
