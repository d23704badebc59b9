/* Large files on /quality: started by a button, shown with a progress bar while the server writes, then a link.
   The server stops writing when nobody asks any more (dashboard/export/jobs.py): leaving the page or signing out ends it. */
(function () {
  "use strict";
  var EVERY_MS = 1000;
  var job = { token: "", state: "", done: 0, total: 0, problem: "" };

  var element = window.tew.element;

  function count(number) { return number.toLocaleString("en"); }

  function fill(text) { return window.tew.fill(text, { done: count(job.done), total: count(job.total) }); }

  function answered(answer) {
    return answer.json().then(function (said) {
      if (!answer.ok) { throw new Error(said.error); }
      return said;
    });
  }

  function failed(error) { job.state = "failed"; job.problem = error.message; draw(); }

  function post(path, body) {
    return fetch(path + "?lang=" + window.tew.language(), { method: "POST", headers: { "X-Tew-Request": "1", "Content-Type": "application/json" }, body: JSON.stringify(body) });
  }

  function start(choice) {
    job = { token: "", state: "running", done: 0, total: 0, problem: "" };
    draw();
    post("/export/large", { kind: choice.kind, year: choice.year }).then(answered)
      .then(function (said) { job.token = said.token; ask(); }).catch(failed);
  }

  function ask() {
    var mine = job;
    /* Another page of the dashboard shows no progress: nobody waits there. */
    if (job.state !== "running" || !document.querySelector("[data-large]")) { return; }
    fetch("/export/large/" + job.token + "?lang=" + window.tew.language(), { cache: "no-store" }).then(answered).then(function (said) {
      if (mine !== job || job.state !== "running") { return; }
      job.state = said.state; job.done = said.done; job.total = said.total; job.problem = said.problem;
      draw();
      window.setTimeout(ask, EVERY_MS);
    }).catch(failed);
  }

  function stop() {
    post("/export/large/" + job.token + "/stop", {});
    job.state = "stopped";
    draw();
  }

  function draw() {
    var place = document.querySelector("[data-large]");
    if (!place) { return; }
    var texts = JSON.parse(place.getAttribute("data-large"));
    var parts = [element("span", {}, texts.heading + " ")];
    texts.choices.forEach(function (choice) {
      parts.push(element("button", { type: "button", "class": "plain", "data-choice": choice.kind + "-" + (choice.year || "all"),
        onclick: function () { start(choice); } }, choice.text), " ");
    });
    var said = element("span", { role: "status" }, "");
    if (job.state === "running") {
      parts.push(element("progress", { max: job.total || 1, value: job.done, "aria-label": texts.heading }, ""), " ",
        element("button", { type: "button", "class": "plain", "data-action": "stop-large", onclick: stop }, texts.stop), " ");
      said.textContent = fill(texts.running);
    }
    if (job.state === "stopped") { said.textContent = texts.stopped; }
    if (job.state === "failed") { said.textContent = job.problem; }
    if (job.state === "ready") {
      said.appendChild(element("a", { href: "/export/large/" + job.token + "/file" + "?lang=" + window.tew.language(), "data-reload": "true", download: "", "class": "large-file" }, fill(texts.ready)));
    }
    parts.push(said);
    while (place.firstChild) { place.removeChild(place.firstChild); }
    parts.forEach(function (part) { place.appendChild(typeof part === "object" ? part : document.createTextNode(part)); });
    place.setAttribute("data-drawn", "true");
  }

  function look() { if (document.querySelector("[data-large]:not([data-drawn])")) { draw(); ask(); } }
  new MutationObserver(look).observe(document.documentElement, { childList: true, subtree: true });
  document.addEventListener("DOMContentLoaded", look);
})();
