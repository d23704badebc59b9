/* A workbook of unknown layout on /submissions: each column with what it is taken for, in selects; confirmed, it is checked again.
   The server proposes and keeps (dashboard/mapping.py); submit.js hands over its helpers and draws the page around it. */
(function () {
  "use strict";
  var kept = {};

  /* tools: {send, redraw}; one: the checked workbook; replace(book) puts the workbook that was checked again. */
  window.tew_mapping = function (tools, texts, token, number, one, replace) {
    var id = token + "-" + number;
    var mine = kept[id] = kept[id] || { said: null, changes: {}, unit: null, problem: "", busy: false, done: "" };
    var element = window.tew.element;

    function ask(path, then) {
      mine.busy = true;
      mine.problem = "";
      tools.redraw();
      tools.send(path, { token: token, number: number, changes: mine.changes, unit_column: mine.unit })
        .then(function (said) { mine.busy = false; then(said); tools.redraw(); })
        .catch(function (error) { mine.busy = false; mine.problem = error.message; tools.redraw(); });
    }
    function look() { ask("map", function (said) { mine.said = said; }); }

    function choice(label, name, options, chosen, act) {
      return element("select", { id: name, "aria-label": label, onchange: function (event) { act(event.target.value); look(); } },
        options.map(function (pair) {
          return element("option", { value: pair[0], selected: pair[0] === chosen ? "" : null }, pair[1]);
        }));
    }

    function sheet(found, place) {
      var name = "map-" + number + "-" + place + "-";
      var rows = found.columns.map(function (column) {
        var means = column.chosen === null ? texts.map_unit_column
          : choice(texts.map_columns[3] + " " + column.heading, name + column.key, mine.said.choices, column.chosen,
            function (value) { mine.changes[column.key] = value; });
        return element("tr", {}, [
          element("td", {}, column.letter), element("th", { scope: "row" }, column.heading),
          element("td", {}, column.state + (column.like ? " " + fillLike(column) : "")),
          element("td", {}, means), element("td", { "class": "num" }, column.confidence), element("td", {}, column.unit)
        ]);
      });
      return [
        element("p", {}, found.title),
        element("p", {}, element("label", {}, [texts.map_unit + " ", choice(texts.map_unit, name + "unit",
          found.letters.map(function (letter) { return [letter, letter]; }), found.unit,
          function (value) { mine.unit = value; delete mine.changes[value]; })])),
        element("div", { "class": "table-box" }, element("table", { "class": "grid compact mapping" }, [
          element("caption", { "class": "visually-hidden" }, texts.map_caption),
          element("thead", {}, element("tr", {}, texts.map_columns.map(function (text) { return element("th", { scope: "col" }, text); }))),
          element("tbody", {}, rows)
        ]))
      ];
    }
    function fillLike(column) { return window.tew.fill(texts.map_like, { name: column.like }); }

    var parts = [element("p", {}, texts.map_lead)];
    if (mine.problem) { parts.push(element("p", { "class": "banner warn", role: "alert" }, mine.problem)); }
    if (mine.busy) { parts.push(element("p", { role: "status" }, texts.map_busy)); }
    if (!mine.said) {
      parts.push(element("button", { type: "button", "class": "plain", "data-action": "map", disabled: mine.busy ? "" : null, onclick: look }, texts.map_open));
    } else {
      mine.said.sheets.forEach(function (found, place) { parts = parts.concat(sheet(found, place)); });
      parts.push(element("p", { role: "status" }, mine.said.read));
      parts.push(element("button", { type: "button", "class": "plain", "data-action": "map-accept",
        disabled: mine.busy || !mine.said.ready ? "" : null,
        onclick: function () { ask("map/accept", function (said) { said.book.mapped = said.mapping; replace(said.book); }); } }, texts.map_accept));
    }
    return element("div", { "class": "mapping-box" }, parts);
  };
})();
