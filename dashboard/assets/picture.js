/* Saves a chart as a PNG that stands alone: its title and unit above, source and version below (dashboard/components/picture.py). */
(function () {
  "use strict";
  var WIDTH = 1000, CHART = 420, EDGE = 24, SCALE = 2;
  var INK = "#1b2430", QUIET = "#4a5768";

  /* A line breaks after any wide sign, and between words of letters. */
  function broken(pen, text, room) {
    var lines = [], line = "";
    (text.match(/[\u2e80-\uffff]|[^\s\u2e80-\uffff]+\s*|\s+/g) || []).forEach(function (piece) {
      if (line && pen.measureText(line + piece).width > room) { lines.push(line); line = piece.trim(); } else { line += piece; }
    });
    return line.trim() ? lines.concat(line) : lines;
  }

  function block(pen, family, text, size, weight, colour) {
    pen.font = weight + " " + size + "px " + family;
    return { lines: broken(pen, text, WIDTH - 2 * EDGE), font: pen.font, step: Math.round(size * 1.5), colour: colour };
  }

  function write(pen, found, top) {
    pen.font = found.font;
    pen.fillStyle = found.colour;
    found.lines.forEach(function (line, index) { pen.fillText(line, EDGE, top + index * found.step); });
    return top + found.lines.length * found.step;
  }

  function height(found) { return found.lines.length * found.step; }

  /* The chart's picture between its texts, on white. */
  function composed(picture, texts, foot) {
    var canvas = document.createElement("canvas"), pen = canvas.getContext("2d");
    var family = window.getComputedStyle(document.body).fontFamily;
    var head = block(pen, family, texts.title, 20, "bold", INK);
    var sub = block(pen, family, texts.sub, 14, "normal", QUIET);
    var source = block(pen, family, foot, 12, "normal", QUIET);
    var tall = 2 * EDGE + height(head) + height(sub) + CHART + height(source) + 16;
    canvas.width = WIDTH * SCALE;
    canvas.height = tall * SCALE;
    pen.scale(SCALE, SCALE);
    pen.textBaseline = "top";
    pen.fillStyle = "#ffffff";
    pen.fillRect(0, 0, WIDTH, tall);
    var top = write(pen, sub, write(pen, head, EDGE)) + 8;
    pen.drawImage(picture, 0, top, WIDTH, CHART);
    write(pen, source, top + CHART + 8);
    return canvas;
  }

  function loaded(address) {
    return new Promise(function (done, failed) {
      var picture = new Image();
      picture.onload = function () { done(picture); };
      picture.onerror = failed;
      picture.src = address;
    });
  }

  function save(canvas, name) {
    canvas.toBlob(function (content) {
      var link = document.createElement("a");
      link.href = URL.createObjectURL(content);
      link.download = name + ".png";
      link.click();
      window.setTimeout(function () { URL.revokeObjectURL(link.href); }, 10000);
    }, "image/png");
  }

  /* The server is asked first: what leaves is logged, and is not for every account. */
  function asked() {
    return fetch("/export/picture" + window.location.search, { method: "POST", headers: { "X-Tew-Request": "1" } })
      .then(function (answer) {
        if (answer.ok) { return; }
        return answer.text().then(function (text) { throw new Error(text); });
      });
  }

  document.addEventListener("click", function (event) {
    var button = event.target.closest && event.target.closest("[data-picture]");
    if (!button) { return; }
    var section = button.closest("section");
    var chart = section.querySelector(".js-plotly-plot");
    var said = section.querySelector(".picture-said");
    if (!chart || !window.Plotly) { return; }
    var texts = JSON.parse(button.getAttribute("data-picture"));
    var foot = [section.querySelector(".footnote").textContent, texts.foot].filter(Boolean).join("　");
    said.textContent = "";
    asked()
      .then(function () { return window.Plotly.toImage(chart, { format: "png", width: WIDTH, height: CHART, scale: SCALE }); })
      .then(loaded)
      .then(function (picture) { save(composed(picture, texts, foot), texts.name); said.textContent = texts.done; })
      .catch(function (error) { said.textContent = error.message || texts.failed; });
  });
})();
