"""Charts and pictures as Vega-Lite, SVG, PNG and HTML."""
