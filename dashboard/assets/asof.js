/* Earlier days: the day typed in the header, and the page that waits until its day was made (dashboard/as_of/). */
(function () {
  "use strict";
  var EVERY_MS = 1500;
  var asking = false;

  function go(day) {
    var address = new URL(window.location.href);
    if (day) { address.searchParams.set("as_of", day); } else { address.searchParams.delete("as_of"); }
    window.history.pushState({}, "", address.pathname + address.search);
    window.dispatchEvent(new CustomEvent("_dashprivate_pushstate"));
    window.scrollTo(0, 0);
  }

  function draw(place) {
    var id = "as-of-day";
    var label = document.createElement("label");
    var input = document.createElement("input");
    var button = document.createElement("button");
    label.setAttribute("for", id);
    label.textContent = place.getAttribute("data-label");
    input.type = "date";
    input.id = id;
    input.value = place.getAttribute("data-as-of-input");
    button.type = "button";
    button.className = "plain";
    button.textContent = place.getAttribute("data-button");
    button.addEventListener("click", function () { if (input.value) { go(input.value); } });
    input.addEventListener("keydown", function (event) {
      if (event.key === "Enter" && input.value) { event.preventDefault(); go(input.value); }
    });
    [label, input, button].forEach(function (node) { place.appendChild(node); });
  }

  function ask() {
    var place = document.querySelector("[data-as-of-waiting]");
    if (!place || asking || document.hidden) { return; }
    var day = place.getAttribute("data-as-of-waiting");
    asking = true;
    fetch("/as-of/status?day=" + encodeURIComponent(day), { cache: "no-store" })
      .then(function (answer) { return answer.json(); })
      .then(function (said) {
        asking = false;
        /* Drawn again by the server, at the same address. */
        if (said.standing !== "making") {
          window.dash_clientside.set_props("published", { data: "as-of " + day + " " + Date.now() });
        }
      })
      .catch(function () { asking = false; });
  }

  new MutationObserver(function () {
    document.querySelectorAll("[data-as-of-input]:empty").forEach(draw);
  }).observe(document.documentElement, { childList: true, subtree: true });
  window.setInterval(ask, EVERY_MS);
  document.addEventListener("visibilitychange", ask);
})();
