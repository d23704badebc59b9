/* Names that no register knows: what each means, said by those whose role may (dashboard/names.py). */
(function () {
  "use strict";

  var element = window.tew.element, fill = window.tew.fill;

  function line(texts, one, number, named) {
    var list = "near-" + number;
    var code = element("input", { type: "text", list: list, maxlength: "40", size: "24", "aria-label": fill(texts.means_of, one) });
    var by = named ? null : element("input", { type: "text", maxlength: "80", size: "8", "aria-label": texts.by, placeholder: texts.by });
    var said = element("span", { role: "status", "class": "small" });
    var form = element("form", { "class": "saying", onsubmit: function (event) {
      event.preventDefault();
      fetch("/names?lang=" + window.tew.language(), {
        method: "POST", headers: { "X-Tew-Request": "1", "Content-Type": "application/json" },
        body: JSON.stringify({ name: one.name, means: code.value, by: by ? by.value : "" })
      }).then(function (answer) {
        return answer.json().then(function (told) {
          if (!answer.ok) { throw new Error(told.error || String(answer.status)); }
          form.textContent = "";
          form.appendChild(element("span", { "class": "said" }, told.text));
        });
      }).catch(function (error) { said.textContent = error.message; });
    } }, [
      code, " ", element("datalist", { id: list }, one.similar.map(function (near) { return element("option", { value: near[0] }, near[1]); })),
      by, " ",
      element("button", { type: "submit", "class": "plain" }, texts.save), " ", said
    ]);
    return element("tr", {}, [
      element("th", { scope: "row" }, one.name), element("td", {}, one.kind), element("td", { "class": "num" }, one.places),
      element("td", { "class": "small" }, element("a", { href: one.href }, one.place)),
      element("td", { "class": "small" }, one.similar.map(function (near) { return near[1]; }).join(", ") || texts.no_similar),
      element("td", {}, form)
    ]);
  }

  function draw(place) {
    var texts = JSON.parse(place.getAttribute("data-names"));
    place.setAttribute("data-drawn", "true");
    fetch("/names?lang=" + window.tew.language(), { cache: "no-store", headers: { "X-Tew-Request": "1" } }).then(function (answer) { return answer.json(); }).then(function (told) {
      if (!told.names || !told.names.length) { return; }
      var heads = ["name", "kind", "places", "place", "similar", "means"].map(function (key) { return element("th", { scope: "col" }, texts[key]); });
      place.appendChild(element("section", {}, [
        element("h2", {}, fill(texts.title, { n: told.names.length })),
        element("p", { "class": "muted small" }, texts.how),
        element("div", { "class": "table-box", tabindex: "0", role: "region", "aria-label": texts.caption }, element("table", { "class": "grid compact" }, [
          element("caption", { "class": "visually-hidden" }, texts.caption),
          element("thead", {}, element("tr", {}, heads)),
          element("tbody", {}, told.names.map(function (one, number) { return line(texts, one, number, told.named); }))
        ]))
      ]));
    }).catch(function () { /* without an answer nothing is offered */ });
  }

  new MutationObserver(function () {
    document.querySelectorAll("[data-names]:not([data-drawn])").forEach(draw);
  }).observe(document.documentElement, { childList: true, subtree: true });
})();
