// Draws the figures of the page in the colours of its style sheet: when they become visible, and
// again when the colour scheme changes or the page is printed.
"use strict";
(() => {
  const figures = JSON.parse(document.getElementById("figures").textContent);
  const plots = [...document.querySelectorAll("[data-figure]")];

  function coloured(layout) {
    const style = getComputedStyle(document.documentElement);
    const token = (name) => style.getPropertyValue(name).trim();
    const axis = {
      gridcolor: token("--grid"),
      linecolor: token("--line"),
      zerolinecolor: token("--line"),
    };
    const axes = Object.keys(layout).filter((key) => /^[xy]axis/.test(key));
    return {
      ...layout,
      ...Object.fromEntries(axes.map((key) => [key, { ...layout[key], ...axis }])),
      annotations: (layout.annotations || []).map((annotation) => ({
        ...annotation,
        font: { ...annotation.font, color: token("--ink") },
        bgcolor: token("--paper"),
      })),
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      font: { color: token("--ink"), size: 12, family: getComputedStyle(document.body).fontFamily },
      hoverlabel: {
        bgcolor: token("--paper"),
        bordercolor: token("--muted"),
        font: { color: token("--ink") },
      },
      modebar: {
        bgcolor: "rgba(0,0,0,0)",
        color: token("--muted"),
        activecolor: token("--accent"),
      },
    };
  }

  function config(place) {
    return {
      responsive: true,
      displaylogo: false,
      // Plotly's button for sharing would send the data of the plot to a server.
      showSendToCloud: false,
      plotlyServerURL: "",
      modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"],
      toImageButtonOptions: { format: "svg", filename: place.dataset.figure },
    };
  }

  // A figure in a closed section has no size, and cannot be drawn.
  const isVisible = (place) => place.closest("details:not([open])") === null;

  function draw(place) {
    const figure = figures[place.dataset.figure];
    Plotly.react(place, figure.data, coloured(figure.layout), config(place));
    if (place.clientWidth !== place._fullLayout?.width) Plotly.Plots.resize(place);
  }

  function drawVisible() {
    plots.filter(isVisible).forEach(draw);
  }

  drawVisible();
  // A section was opened or closed. The event does not bubble.
  document.addEventListener(
    "toggle",
    (event) => plots.filter((place) => event.target.contains(place) && isVisible(place)).forEach(draw),
    true,
  );
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawVisible);
  addEventListener("beforeprint", () => {
    document.documentElement.dataset.printing = "";
    drawVisible();
  });
  addEventListener("afterprint", () => {
    delete document.documentElement.dataset.printing;
    drawVisible();
  });
})();
