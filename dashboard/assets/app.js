/* Follows the published version, and says when the server is away. Everything else is drawn by the server. */
(function () {
  "use strict";
  var EVERY_MS = 10000;
  var away = false;

  function drawn() {
    var node = document.querySelector("[data-version]");
    return node ? node.getAttribute("data-version") : null;
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
        if (away) { away = false; say("server-away", { hidden: true }); }
        if (health.version && health.version !== drawn()) { say("published", { data: health.version }); }
      })
      .catch(function () {
        if (!away) { away = true; say("server-away", { hidden: false }); }
      });
  }

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

  /* A grid's cell that leads to a page: moves inside the dashboard as dcc.Link does. */
  var components = (window.dashAgGridComponentFunctions = window.dashAgGridComponentFunctions || {});
  components.PageLink = function (props) {
    var href = props.data.href;
    return React.createElement("a", {
      href: href,
      onClick: function (event) {
        if (event.ctrlKey || event.metaKey || event.shiftKey) { return; }
        event.preventDefault();
        window.history.pushState({}, "", href);
        window.dispatchEvent(new CustomEvent("_dashprivate_pushstate"));
        window.scrollTo(0, 0);
      }
    }, props.value);
  };
})();
