"use strict";
// Draws every chart of the page from the specification in the script element that it names.
for (const place of document.querySelectorAll("[data-specification]")) {
  const specification = JSON.parse(
    document.getElementById(place.dataset.specification).textContent
  );
  specification.background = "transparent";
  vegaEmbed(place, specification)
    .then(({ view }) => {
      // The menu of vega-embed is a picture of three dots.
      place.querySelector("summary")?.setAttribute("aria-label", "Save this chart");
      addSwitches(place, view, specification);
    })
    .catch((error) => {
      place.textContent = "This chart could not be drawn: " + error.message;
      console.error(error);
    });
}

// A checkbox a model above its chart, where there is more than one to choose from.
function addSwitches(place, view, specification) {
  const models = specification.usermeta?.switches ?? [];
  if (models.length < 2) return;
  const group = document.createElement("fieldset");
  group.className = "switches";
  group.append(document.createElement("legend"));
  group.firstChild.textContent = "Models shown";
  const boxes = models.map((model) => {
    const box = document.createElement("input");
    box.type = "checkbox";
    box.checked = true;
    box.autocomplete = "off";
    box.value = model.key;
    box.style.accentColor = model.color;
    const label = document.createElement("label");
    label.append(box, " " + model.title);
    group.append(label, " ");
    return box;
  });
  group.addEventListener("change", () => {
    const hidden = boxes.filter((box) => !box.checked).map((box) => box.value);
    view.signal("hidden", hidden).runAsync();
  });
  place.before(group);
}
