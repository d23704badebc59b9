/* Handing in workbooks on /submissions: drop, read what was found, confirm, follow the refresh; withdraw; close a month; forms.
   The server checks and writes (dashboard/intake.py); texts come with the page. State outlives a redraw of the page. */
(function () {
  "use strict";
  var state = { batches: [], busy: "", problem: "", done: null, before: null, published: null };
  var BATCH = 8;

  var element = window.tew.element, fill = window.tew.fill, language = window.tew.language;

  function send(path, body) {
    var headers = { "X-Tew-Request": "1" };
    if (!(body instanceof FormData)) { headers["Content-Type"] = "application/json"; body = JSON.stringify(body); }
    return fetch((path.charAt(0) === "/" ? path : "/submissions/" + path) + "?lang=" + language(), { method: "POST", headers: headers, body: body })
      .then(function (answer) {
        return answer.text().then(function (text) {
          var said;
          try { said = JSON.parse(text); } catch (error) { said = { error: text.slice(0, 200) || String(answer.status) }; }
          if (!answer.ok) { throw new Error(said.error || String(answer.status)); }
          return said;
        });
      });
  }

  function check(files) {
    var queue = Array.prototype.slice.call(files);
    var total = queue.length;
    state = { batches: [], busy: "", problem: "", done: null, before: null, published: null };
    function next() {
      if (!queue.length) { state.busy = ""; draw(); return; }
      state.busy = { done: total - queue.length, total: total };
      draw();
      var form = new FormData();
      queue.splice(0, BATCH).forEach(function (file) { form.append("files", file, file.name); });
      send("check", form).then(function (said) { state.batches.push(said); next(); }).catch(failed);
    }
    if (total) { next(); }
  }

  function failed(error) { state.busy = ""; state.problem = error.message; draw(); }

  function confirm() {
    var node = document.querySelector("[data-version]");
    state.before = node ? node.getAttribute("data-version") : null;
    var written = [];
    function next() {
      if (!state.batches.length) { state.done = written; draw(); follow(); return; }
      send("confirm", { token: state.batches[0].token })
        .then(function (said) { written = written.concat(said.files); state.batches.shift(); next(); })
        .catch(failed);
    }
    next();
  }

  /* The refresh is the sensor's; the page asks which version is served until it is another one. */
  function follow() {
    var mine = state;
    if (state.published || !state.done) { return; }
    fetch("/healthz", { cache: "no-store" }).then(function (answer) { return answer.json(); }).then(function (health) {
      if (mine !== state) { return; }
      if (health.version && health.version !== state.before) { state.published = health.version; draw(); return; }
      window.setTimeout(follow, 4000);
    }).catch(function () { window.setTimeout(follow, 8000); });
  }

  function book(texts, batch, one, number) {
    var token = batch.token;
    var head = [element("strong", {}, one.file), " "];
    var key = one.errors ? "errors" : one.warnings ? "warnings" : "clean";
    head.push(element("span", { "class": one.errors ? "severity-error" : "" }, fill(texts[key], one)));
    if (one.form) { head.push(element("span", { "class": "muted" }, " " + one.form + (one.period ? " · " + one.period : ""))); }
    if (one.readable) {
      head.push(" ", element("a", { href: "/submissions/marked/" + token + "/" + number, "data-reload": "true", download: "", "class": "marked" }, texts.marked));
    }
    var parts = [element("p", {}, head)];
    if (one.mapped) { parts.push(element("p", { "class": "banner" }, fill(texts.map_kept, { mapping: one.mapped }))); }
    if (one.mappable && !state.done) {
      parts.push(window.tew_mapping({ send: send, redraw: redraw }, texts, token, number, one,
        function (again) { batch.books[number] = again; }));
    }
    if (one.issues.length) {
      var rows = one.issues.map(function (issue) {
        return element("tr", {}, [
          element("th", { scope: "row" }, issue.place), element("td", { "class": "severity-" + issue.severity }, issue.word),
          element("td", {}, issue.read), element("td", {}, issue.message), element("td", { "class": "muted small" }, issue.rule)
        ]);
      });
      parts.push(element("div", { "class": "table-box" }, element("table", { "class": "grid issues" }, [
        element("caption", { "class": "visually-hidden" }, texts.caption),
        element("thead", {}, element("tr", {}, texts.columns.map(function (text) { return element("th", { scope: "col" }, text); }))),
        element("tbody", {}, rows)
      ])));
      if (one.more) { parts.push(element("p", { "class": "muted" }, fill(texts.more, { n: one.more }))); }
    }
    return element("section", { "class": "checked" }, parts);
  }

  /* Drawn anew, the page keeps the reader's place: the element with the same id has the focus again. */
  function redraw() {
    var id = document.activeElement ? document.activeElement.id : "";
    draw();
    var again = id && document.getElementById(id);
    if (again) { again.focus(); }
  }

  function draw() {
    var place = document.querySelector("[data-submit]");
    if (!place) { return; }
    var texts = JSON.parse(place.getAttribute("data-submit"));
    var input = element("input", { type: "file", multiple: "", id: "submit-files", "class": "visually-hidden",
      onchange: function (event) { check(event.target.files); } });
    var drop = element("label", { "for": "submit-files", "class": "drop",
      ondragover: function (event) { event.preventDefault(); },
      ondrop: function (event) { event.preventDefault(); check(event.dataTransfer.files); } }, texts.drop);
    var parts = [input, drop];
    var said = element("div", { role: "status", "aria-live": "polite" });
    if (state.busy) { said.appendChild(element("p", {}, fill(texts.checking, state.busy))); }
    if (state.problem) { said.appendChild(element("p", { "class": "banner warn" }, state.problem)); }
    if (state.done) {
      said.appendChild(element("p", { "class": "banner" }, fill(texts.received, { n: state.done.length, files: state.done.join(", ") })));
      said.appendChild(element("p", {}, state.published ? fill(texts.published, { version: state.published }) : texts.waiting));
    }
    parts.push(said);
    var errors = 0, count = 0, readable = 0;
    state.batches.forEach(function (batch) {
      batch.books.forEach(function (one, number) {
        errors += one.errors; count += 1; readable += one.readable ? 1 : 0;
        parts.push(book(texts, batch, one, number));
      });
    });
    if (readable && !state.busy) {
      parts.push(element("p", {}, [
        element("button", { type: "button", "class": "plain", "data-action": "confirm", onclick: confirm }, fill(errors ? texts.confirm_errors : texts.confirm, { n: count })),
        errors ? element("span", { "class": "muted" }, " " + texts.errors_note) : null
      ]));
    }
    while (place.firstChild) { place.removeChild(place.firstChild); }
    parts.forEach(function (part) { place.appendChild(part); });
    place.setAttribute("data-drawn", "true");
  }

  function drawWithdraw(place) {
    var texts = JSON.parse(place.getAttribute("data-withdraw"));
    var reason = element("input", { type: "text", id: "withdraw-reason", maxlength: "500", size: "40" });
    var said = element("span", { role: "status", "class": "muted" });
    place.setAttribute("data-drawn", "true");
    place.appendChild(element("p", {}, [
      element("label", { "for": "withdraw-reason" }, texts.reason), " ", reason, " ",
      element("button", { type: "button", "class": "plain", onclick: function () {
        send("withdraw", { submission: texts.submission, reason: reason.value })
          .then(function () { said.textContent = texts.done; })
          .catch(function (error) { said.textContent = error.message; });
      } }, texts.button), " ", said
    ]));
  }

  /* Closing a month: the page is the same for all who see the same rows, so what this reader may do is asked for. */
  function drawMonth(place) {
    var texts = JSON.parse(place.getAttribute("data-month"));
    place.setAttribute("data-drawn", "true");
    fetch("/months/" + texts.period, { headers: { "X-Tew-Request": "1" } }).then(function (answer) { return answer.json(); }).then(function (may) {
      (may.acts || []).forEach(function (act) {
        var reason = act === "reopen" ? element("input", { type: "text", id: "month-reason", maxlength: "500", size: "40" }) : null;
        var by = may.named ? null : element("input", { type: "text", id: "month-by", maxlength: "80", size: "12" });
        var said = element("span", { role: "status", "class": "muted" });
        place.appendChild(element("p", {}, [
          reason ? element("label", { "for": "month-reason" }, texts.reason) : null, " ", reason, " ",
          by ? element("label", { "for": "month-by" }, texts.by) : null, " ", by, " ",
          element("button", { type: "button", "class": "plain", "data-act": act, onclick: function () {
            send("/months/" + act, { period: texts.period, reason: reason ? reason.value : "", by: by ? by.value : "" })
              .then(function () { said.textContent = texts.done; })
              .catch(function (error) { said.textContent = error.message; });
          } }, texts[act]), " ", said
        ]));
      });
    }).catch(function () { /* without an answer nothing is offered */ });
  }

  function drawTemplate(place) {
    var texts = JSON.parse(place.getAttribute("data-template"));
    function option(pair) { return element("option", { value: pair[0] }, pair[1]); }
    place.setAttribute("data-drawn", "true");
    place.appendChild(element("form", { action: "/submissions/template", method: "get", "class": "template" }, [
      element("label", {}, [texts.form + " ", element("select", { name: "form" }, texts.forms.map(option))]), " ",
      element("label", {}, [texts.unit + " ", element("input", { name: "whom", list: "template-units", required: "", maxlength: "120" })]), " ",
      element("datalist", { id: "template-units" }, texts.units.map(option)),
      element("label", {}, [texts.period + " ", element("input", { name: "period", value: texts.month, size: "8", pattern: "\\d{4}-\\d{2}", required: "" })]), " ",
      element("input", { type: "hidden", name: "lang", value: language() }),
      element("button", { "class": "plain", name: "prefilled", value: "0" }, texts.blank), " ",
      texts.filled ? element("button", { "class": "plain", name: "prefilled", value: "1" }, texts.filled) : null
    ]));
  }

  function look() {
    var submit = document.querySelector("[data-submit]:not([data-drawn])");
    if (submit) { draw(); }
    document.querySelectorAll("[data-withdraw]:not([data-drawn])").forEach(drawWithdraw);
    document.querySelectorAll("[data-month]:not([data-drawn])").forEach(drawMonth);
    document.querySelectorAll("[data-template]:not([data-drawn])").forEach(drawTemplate);
  }
  new MutationObserver(look).observe(document.documentElement, { childList: true, subtree: true });
  document.addEventListener("DOMContentLoaded", look);
})();
