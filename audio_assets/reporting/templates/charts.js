"use strict";
// Draws every chart of the page from the specification in the script element that it names.
for (const place of document.querySelectorAll("[data-specification]")) {
  const specification = JSON.parse(
    document.getElementById(place.dataset.specification).textContent
  );
  specification.background = "transparent";
  vegaEmbed(place, specification).catch((error) => {
    place.textContent = "This chart could not be drawn: " + error.message;
    console.error(error);
  });
}
