/* A word about an issue: fields beside it for those whose role may explain or accept (dashboard/explanations.py). */
(function () {
  "use strict";

  var element = window.tew.element, fill = window.tew.fill;

  function words(texts, one) {
    return element("p", { "class": "said" }, [
      fill(one.kind === "accepted" ? texts.accepted_by : texts.explained_by, one), " ", element("span", { "class": "muted small" }, texts.pending)
    ]);
  }

  function ask(place, texts, issue, act, may) {
    var number = String(Math.random()).slice(2, 10);
    var text = element("input", { type: "text", id: "why-" + number, maxlength: "500", size: "28" });
    var by = may.named ? null : element("input", { type: "text", id: "by-" + number, maxlength: "80", size: "8" });
    var said = element("span", { role: "status", "class": "muted small" });
    var form = element("form", { "class": "saying", onsubmit: function (event) {
      event.preventDefault();
      var body = { submission: issue.submission, sheet: issue.sheet, cell: issue.cell, rule: issue.rule, text: text.value, by: by ? by.value : "" };
      fetch("/issues/" + act + "?lang=" + window.tew.language(), {
        method: "POST", headers: { "X-Tew-Request": "1", "Content-Type": "application/json" }, body: JSON.stringify(body)
      }).then(function (answer) {
        return answer.json().then(function (told) {
          if (!answer.ok) { throw new Error(told.error || String(answer.status)); }
          place.textContent = "";
          place.appendChild(words(texts, { kind: act === "accept" ? "accepted" : "explained", text: told.text, by: told.by }));
        });
      }).catch(function (error) { said.textContent = error.message; });
    } }, [
      element("label", { "for": "why-" + number }, texts.why), " ", text, " ",
      by ? element("label", { "for": "by-" + number }, texts.by) : null, " ", by, " ",
      element("button", { type: "submit", "class": "plain" }, texts.save), " ",
      element("button", { type: "button", "class": "plain", onclick: function () { offer(place, texts, issue, may); } }, texts.cancel), " ", said
    ]);
    place.textContent = "";
    place.appendChild(form);
    text.focus();
  }

  function offer(place, texts, issue, may) {
    place.textContent = "";
    may.acts.forEach(function (act) {
      place.appendChild(element("button", { type: "button", "class": "plain small", "data-say": act, onclick: function () { ask(place, texts, issue, act, may); } }, texts[act]));
      place.appendChild(document.createTextNode(" "));
    });
  }

  function same(one, issue) {
    return one.submission_id === issue.submission && one.cell === issue.cell && one.rule === issue.rule && (one.sheet || null) === (issue.sheet || null);
  }

  function draw(table) {
    var texts = JSON.parse(table.getAttribute("data-acts"));
    table.setAttribute("data-drawn", "true");
    fetch("/issues/acts", { cache: "no-store", headers: { "X-Tew-Request": "1" } }).then(function (answer) { return answer.json(); }).then(function (may) {
      table.querySelectorAll("[data-issue]").forEach(function (place) {
        var issue = JSON.parse(place.getAttribute("data-issue"));
        var said = (may.said || []).filter(function (one) { return same(one, issue); }).pop();
        var published = place.parentNode.querySelector("p.said");
        if (said && !(published && said.kind === "explained")) { place.appendChild(words(texts, said)); return; }
        offer(place, texts, issue, { acts: may.acts || [], named: may.named });
      });
    }).catch(function () { /* without an answer nothing is offered */ });
  }

  new MutationObserver(function () {
    document.querySelectorAll("[data-acts]:not([data-drawn])").forEach(draw);
  }).observe(document.documentElement, { childList: true, subtree: true });
})();
