
"use strict";
(() => {
  const one = (id) => document.getElementById(id);
  const all = (selector) => [...document.querySelectorAll(selector)];
  const steps = all(".step");
  const words = steps.map((step) => step.textContent.toLowerCase());
  const frames = all(".frame");
  const rows = all(".stack g").map((row) => [row, row.dataset.steps.split(" ").map(Number)]);
  const lines = all(".line[data-step]");
  const views = all(".view");
  const list = one("steps");
  const last = steps.length - 1;
  const loop = Number(document.body.dataset.loop) || 0;
  const goesRound = loop > 0 && loop <= last;
  let here = -1;

  function bring(box, frame) {
    const inner = box.getBoundingClientRect();
    const outer = frame.getBoundingClientRect();
    if (inner.top < outer.top) frame.scrollTop -= outer.top - inner.top;
    else if (inner.bottom > outer.bottom) {
      frame.scrollTop += Math.min(inner.bottom - outer.bottom, inner.top - outer.top);
    }
  }

  function show(box) {
    const place = box.getBoundingClientRect();
    const top = document.querySelector("header").getBoundingClientRect().bottom + 8;
    if (place.height === 0) return;
    if (place.top < top) window.scrollBy(0, place.top - top);
    else if (place.bottom > window.innerHeight - 8) {
      window.scrollBy(0, place.bottom - window.innerHeight + 8);
    }
  }

  function go(number, again) {
    if (!(number >= 0 && number <= last)) return;
    const asked = here >= 0 || location.hash !== "";
    here = number;
    steps.forEach((step, at) => {
      step.classList.toggle("here", at === here);
      if (at === here) step.setAttribute("aria-current", "step");
      else step.removeAttribute("aria-current");
    });
    const frame = Number(steps[here].dataset.frame);
    frames.forEach((image, at) => image.classList.toggle("here", at === frame));
    rows.forEach(([row, about]) => row.classList.toggle("here", about.includes(here)));
    lines.forEach((line) => line.classList.toggle("here", Number(line.dataset.step) === here));
    one("at").textContent = here === 0 ? "at first" : `step ${here} of ${last}${again ? ", again" : ""}`;
    one("first").disabled = one("back").disabled = here === 0;
    one("last").disabled = here === last;
    one("next").disabled = here === last && !goesRound;
    history.replaceState(null, "", `#step=${here}`);
    bring(steps[here], list);
    const drawn = rows.find(([row]) => row.classList.contains("here"));
    if (here === 0) window.scrollTo(0, 0);
    else if (drawn && asked) show(drawn[0]);
  }

  function move(by) {
    const matches = (at) => !steps[at].classList.contains("hidden");
    let at = here + by;
    if (at > last && goesRound) return go(loop, true);
    while (at >= 0 && at <= last && !matches(at)) at += by;
    return go(at);
  }

  function search() {
    const wanted = one("search").value.toLowerCase().split(/\s+/).filter(Boolean);
    let found = 0;
    steps.forEach((step, at) => {
      const matches = wanted.every((word) => words[at].includes(word));
      step.classList.toggle("hidden", !matches);
      found += matches && at > 0;
    });
    one("found").textContent = wanted.length ? `${found} of ${last} steps` : "";
  }

  function toggle(button) {
    const shown = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", String(shown));
    one(button.getAttribute("aria-controls")).hidden = !shown;
  }

  function address() {
    const match = /^#step=(\d+)$/.exec(location.hash);
    go(match && Number(match[1]) <= last ? Number(match[1]) : here < 0 ? last : here);
  }

  const keys = {
    ArrowRight: () => move(1), j: () => move(1), ArrowLeft: () => move(-1), k: () => move(-1),
    Home: () => go(0), End: () => go(last), "/": () => one("search").focus(),
    1: () => toggle(views[0]), 2: () => toggle(views[1]), 3: () => toggle(views[2]),
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target === one("search")) {
      if (event.key === "Enter") move(1);
      if (event.key === "Escape") {
        one("search").value = "";
        search();
        one("search").blur();
      }
      return;
    }
    if (!Object.hasOwn(keys, event.key)) return;
    event.preventDefault();
    keys[event.key]();
  });
  one("first").addEventListener("click", () => go(0));
  one("back").addEventListener("click", () => move(-1));
  one("next").addEventListener("click", () => move(1));
  one("last").addEventListener("click", () => go(last));
  one("search").addEventListener("input", search);
  views.forEach((view) => view.addEventListener("click", () => toggle(view)));
  rows.forEach(([row, about]) => row.addEventListener("click", () => go(about[0])));
  lines.forEach((line) => line.addEventListener("click", () => go(Number(line.dataset.step))));
  window.addEventListener("hashchange", address);
  const measure = () => {
    const height = document.querySelector("header").offsetHeight;
    document.documentElement.style.setProperty("--head", `${height}px`);
  };
  window.addEventListener("resize", measure);
  document.documentElement.classList.add("js");
  steps.forEach((step) => step.removeAttribute("id")); // or the browser scrolls to it, too
  measure();
  toggle(views[2]);
  address();
})();
