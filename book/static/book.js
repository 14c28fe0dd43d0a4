// What moves on the book's pages: figures, widgets, the ledger's filters. No request leaves the site;
// everything works from disk, so data come as scripts and the live module by a blob.
(() => {
  "use strict";
  const root = new URL(".", document.currentScript.src.replace(/_static\/[^/]*$/, "")).href;
  const scripts = new Map();
  const load = (name) => {
    if (!scripts.has(name)) {
      scripts.set(
        name,
        new Promise((done, failed) => {
          const script = document.createElement("script");
          script.src = root + name;
          script.onload = done;
          script.onerror = () => failed(new Error(`${name} did not load`));
          document.head.append(script);
        }),
      );
    }
    return scripts.get(name);
  };

  // ------------------------------------------------------------------------------ figures
  const data = new Map();
  window.tuFigure = (name, figure) => data.set(name, figure);

  const draw = async (place) => {
    const name = place.dataset.figure;
    await Promise.all([load("plotly.min.js"), load(`figures/${name}.js`)]);
    const { data: traces, layout, frames } = data.get(name);
    const still = place.querySelector("img");
    const plot = document.createElement("div");
    plot.setAttribute("role", "img");
    plot.setAttribute("aria-label", still.alt);
    plot.style.height = `${place.dataset.height}px`;
    place.append(plot);
    await window.Plotly.newPlot(plot, traces, layout, { responsive: true, displayModeBar: false });
    if (frames) await window.Plotly.addFrames(plot, frames);
    still.remove();
    place.dataset.drawn = "yes";
  };

  // ------------------------------------------------------------------------------ widgets
  let live = null;
  const module = () => {
    live ??= load("live.js").then(() => {
      const url = URL.createObjectURL(new Blob([window.tuLive], { type: "text/javascript" }));
      return import(url);
    });
    return live;
  };

  /** What a widget of a notebook asks of its kernel: here there is none, so it only remembers. */
  const modelOf = (state) => {
    const listeners = new Map();
    return {
      get: (name) => state[name],
      set: (name, value) => {
        state[name] = value;
        for (const listener of listeners.get(`change:${name}`) ?? []) listener();
      },
      on: (event, listener) => listeners.set(event, [...(listeners.get(event) ?? []), listener]),
      off: (event, listener) =>
        listeners.set(event, (listeners.get(event) ?? []).filter((other) => other !== listener)),
      save_changes: () => {},
      send: () => {},
    };
  };

  const mount = async (place) => {
    const { default: widget } = await module();
    place.replaceChildren();
    widget.render({ model: modelOf(JSON.parse(place.dataset.widget)), el: place });
    for (const table of place.querySelectorAll("table")) table.tabIndex = 0; // the theme lets it scroll
    place.dataset.drawn = "yes";
  };

  const story = async (place) => {
    const { mountPentagon, mountStory } = await module();
    const model = document.getElementById("live-pentagon");
    model.replaceChildren();
    const app = mountPentagon(model, { sparsity: 0, importance: "0.9^i" });
    // Here the story's links lead to pages of the book.
    const lead = () => {
      for (const link of place.querySelectorAll('a[href$=".ipynb"]')) link.href = link.href.replace(/ipynb$/, "html");
    };
    new MutationObserver(lead).observe(place, { subtree: true, childList: true, attributes: true });
    mountStory(place, app, { notebooks: `${root}notebooks/` });
    place.dataset.drawn = "yes";
  };

  // ------------------------------------------------------------------------------ the ledger
  const filters = (ledger) => {
    const rows = [...ledger.querySelectorAll("tbody tr")];
    const place = ledger.querySelector(".tu-filters");
    const chosen = {};
    const count = document.createElement("span");
    count.setAttribute("role", "status");
    const show = () => {
      let n = 0;
      for (const row of rows) {
        const fits = Object.entries(chosen).every(([name, value]) => !value || row.dataset[name] === value);
        row.hidden = !fits;
        n += fits;
      }
      count.textContent = `${n} of ${rows.length} rows`;
    };
    for (const name of ["verdict", "source", "notebook"]) {
      const values = [...new Set(rows.map((row) => row.dataset[name]))].filter(Boolean).sort();
      const select = document.createElement("select");
      select.append(new Option("all", ""), ...values.map((value) => new Option(value, value)));
      select.onchange = () => {
        chosen[name] = select.value;
        show();
      };
      const label = document.createElement("label");
      label.append(`${name} `, select);
      place.append(label, " ");
    }
    place.append(count);
    show();
  };

  const start = () => {
    const work = (place) =>
      place.matches(".tu-widget") ? mount(place) : place.matches(".tu-front-story") ? story(place) : draw(place);
    const watch = new IntersectionObserver(
      (entries) => {
        for (const { isIntersecting, target } of entries) {
          if (!isIntersecting) continue;
          watch.unobserve(target);
          work(target).catch((error) => console.error(error));
        }
      },
      { rootMargin: "300px" },
    );
    for (const place of document.querySelectorAll(".tu-figure, .tu-widget, .tu-front-story")) watch.observe(place);
    for (const ledger of document.querySelectorAll(".tu-ledger")) filters(ledger);
    // A folded answer that a link leads into opens.
    const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    for (let up = target; up; up = up.parentElement) if (up.tagName === "DETAILS") up.open = true;
  };
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
