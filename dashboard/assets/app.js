/* Shows what the server drew, moves inside the dashboard, follows the published version, says when the server is away. */
(function () {
  "use strict";
  var EVERY_MS = 10000;
  var AGAIN_MS = 2000;
  var BUSY_AFTER_MS = 400;
  var away = false;
  var root = document.documentElement;

  function drawn() {
    var node = document.querySelector("[data-version]");
    return node ? node.getAttribute("data-version") : null;
  }

  /* The server does not answer: said at once, asked again every two seconds; a page that was missed is fetched then. */
  var missed = false;
  function gone(isGone) {
    if (away === isGone) { return; }
    away = isGone;
    say("server-away", { hidden: !isGone });
    if (away) { window.setTimeout(ask, AGAIN_MS); } else if (missed) { window.location.reload(); }
  }

  /* A page that takes longer than a moment shows that it is on its way. */
  var pending = 0;
  function busy(step) {
    pending += step;
    var before = pending;
    window.setTimeout(function () {
      root.toggleAttribute("data-busy", pending > 0 && before > 0);
      var main = document.getElementById("main");
      if (main) { main.setAttribute("aria-busy", String(pending > 0)); }
    }, step > 0 ? BUSY_AFTER_MS : 0);
  }

  function say(id, props) {
    if (window.dash_clientside && window.dash_clientside.set_props) {
      window.dash_clientside.set_props(id, props);
    }
  }

  function ask() {
    if (document.hidden) { return; }
    var page = drawn();
    if (page === null) { return; }
    fetch("/healthz", { cache: "no-store" })
      .then(function (answer) { return answer.json(); })
      .then(function (health) {
        gone(false);
        if (health.version && health.version !== drawn()) { say("published", { data: health.version }); }
      })
      .catch(function () {
        if (away) { window.setTimeout(ask, AGAIN_MS); } else { gone(true); }
      });
  }

  /* A session that ended: load the page anew, which leads to the sign-in. */
  var plainFetch = window.fetch;
  window.fetch = function (asked) {
    var isPage = String((asked && asked.url) || asked).indexOf("_dash-update-component") >= 0;
    if (isPage) { busy(1); }
    return plainFetch.apply(window, arguments).then(function (answer) {
      if (isPage) { busy(-1); }
      if (answer.status === 401) { window.location.reload(); }
      return answer;
    }, function (problem) {
      if (isPage) { busy(-1); missed = true; gone(true); }
      throw problem;
    });
  };

  /* Markup: a piece of HTML that the server made and escaped (components/markup.py). */
  window.tew_dashboard = {
    Markup: function (props) {
      return React.createElement("div", { className: "markup", dangerouslySetInnerHTML: { __html: props.html } });
    }
  };

  /* Links inside the dashboard move without loading it anew, as dcc.Link does. */
  document.addEventListener("click", function (event) {
    var link = event.target.closest && event.target.closest("a[href]");
    if (!link || event.defaultPrevented || event.button !== 0) { return; }
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey || link.target) { return; }
    var href = link.getAttribute("href");
    if (href.charAt(0) !== "/" || link.hasAttribute("data-reload")) { return; }
    event.preventDefault();
    window.history.pushState({}, "", href);
    window.dispatchEvent(new CustomEvent("_dashprivate_pushstate"));
    window.scrollTo(0, 0);
  });
  document.addEventListener("click", function (event) {
    if (event.target.closest && event.target.closest("[data-action=print]")) { window.print(); }
  });

  /* A box that moves sideways is reached by the keyboard too (newer browsers do so by themselves). */
  var settling = null;
  function reachBoxes() {
    document.querySelectorAll(".table-box").forEach(function (box) {
      if (box.scrollWidth > box.clientWidth + 1) { box.setAttribute("tabindex", "0"); } else { box.removeAttribute("tabindex"); }
    });
  }
  function settle() {
    window.clearTimeout(settling);
    settling = window.setTimeout(reachBoxes, 150);
  }
  new MutationObserver(settle).observe(root, { childList: true, subtree: true });
  window.addEventListener("resize", settle);

  /* High contrast: chosen in the header and kept for a year, else as the reader's system asks. */
  function contrasted() { return root.getAttribute("data-theme") === "contrast"; }
  function showContrast() {
    document.querySelectorAll("[data-action=contrast]").forEach(function (button) {
      button.setAttribute("aria-pressed", String(contrasted()));
      button.classList.toggle("chosen", contrasted());
    });
  }
  if (!root.hasAttribute("data-theme") && window.matchMedia("(prefers-contrast: more)").matches) {
    root.setAttribute("data-theme", "contrast");
  }
  document.addEventListener("click", function (event) {
    if (!(event.target.closest && event.target.closest("[data-action=contrast]"))) { return; }
    var chosen = contrasted() ? "plain" : "contrast";
    root.setAttribute("data-theme", chosen);
    document.cookie = "tew_theme=" + chosen + "; path=/; max-age=31536000; samesite=lax";
    showContrast();
  });
  document.addEventListener("toggle", showContrast, true);

  /* The wall board turns its slides; a moved mouse or a key holds it for half a minute, the button until it is pressed again. */
  var HELD_MS = 30000;
  var board = { slide: 0, since: Date.now(), heldUntil: 0, stopped: window.matchMedia("(prefers-reduced-motion: reduce)").matches };
  function turn(step) {
    var slides = document.querySelectorAll(".wall .slide");
    if (!slides.length) { return; }
    board.slide = (board.slide + step + slides.length) % slides.length;
    board.since = Date.now();
    showBoard();
  }
  function showBoard() {
    var wall = document.querySelector(".wall");
    if (!wall) { return; }
    var slides = wall.querySelectorAll(".slide");
    board.slide = Math.min(board.slide, slides.length - 1);
    wall.classList.add("turning");
    slides.forEach(function (slide, index) { slide.classList.toggle("active", index === board.slide); });
    wall.querySelector(".wall-place").textContent = (board.slide + 1) + " / " + slides.length;
    wall.querySelector("[data-wall=pause]").setAttribute("aria-pressed", String(board.stopped));
    wall.classList.toggle("held", board.stopped || Date.now() < board.heldUntil);
  }
  function hold() {
    if (!document.querySelector(".wall")) { return; }
    board.heldUntil = Date.now() + HELD_MS;
    showBoard();
  }
  window.setInterval(function () {
    var slides = document.querySelector(".wall .slides");
    if (!slides) { return; }
    var due = Date.now() - board.since >= 1000 * Number(slides.getAttribute("data-seconds"));
    if (due && !board.stopped && Date.now() >= board.heldUntil) { turn(1); } else { showBoard(); }
  }, 500);
  document.addEventListener("mousemove", hold);
  document.addEventListener("focusin", hold);
  document.addEventListener("keydown", function (event) {
    if (!document.querySelector(".wall")) { return; }
    hold();
    if (event.key === "ArrowRight") { turn(1); }
    if (event.key === "ArrowLeft") { turn(-1); }
  });
  document.addEventListener("click", function (event) {
    var button = event.target.closest && event.target.closest("[data-wall]");
    if (!button) { return; }
    var action = button.getAttribute("data-wall");
    if (action === "pause") { board.stopped = !board.stopped; board.heldUntil = 0; showBoard(); }
    if (action === "next") { turn(1); }
    if (action === "back") { turn(-1); }
  });

  /* On paper every folded table stands open; a chart, whose still is printed, keeps its size, so that it is not drawn anew
     behind the dialogue; afterwards the page is as it was. */
  window.addEventListener("beforeprint", function () {
    document.querySelectorAll(".chart").forEach(function (chart) { chart.style.width = chart.offsetWidth + "px"; });
    document.querySelectorAll("details.twin:not([open])").forEach(function (twin) {
      twin.setAttribute("data-folded", "");
      twin.open = true;
    });
  });
  window.addEventListener("afterprint", function () {
    document.querySelectorAll(".chart").forEach(function (chart) { chart.style.width = ""; });
    document.querySelectorAll("details.twin[data-folded]").forEach(function (twin) {
      twin.removeAttribute("data-folded");
      twin.open = false;
    });
  });

  window.setInterval(ask, EVERY_MS);
  document.addEventListener("visibilitychange", ask);

  /* One open menu at a time; Escape and a click elsewhere close it. */
  function closeMenus(but) {
    document.querySelectorAll("details.menu[open]").forEach(function (menu) {
      if (menu !== but) { menu.open = false; }
    });
  }
  document.addEventListener("click", function (event) {
    var inside = event.target.closest && event.target.closest("details.menu");
    closeMenus(event.target.closest && event.target.closest("a") ? null : inside);
  });
  document.addEventListener("keydown", function (event) {
    if (event.key === "Escape") { closeMenus(null); }
  });

  /* A grid's cell that leads to a page. */
  var components = (window.dashAgGridComponentFunctions = window.dashAgGridComponentFunctions || {});
  components.PageLink = function (props) {
    return React.createElement("a", { href: props.data.href }, props.value);
  };
})();
