/* The region of a received sheet on /trace: fetched as HTML that the server made and escaped (dashboard/sheets/). */
(function () {
  "use strict";
  function load(place) {
    place.setAttribute("aria-busy", "true");
    fetch(place.getAttribute("data-sheet"), { cache: "no-store" })
      .then(function (answer) { return answer.text(); })
      .then(function (text) { place.innerHTML = text; place.removeAttribute("aria-busy"); })
      .catch(function () { place.removeAttribute("aria-busy"); });
  }
  new MutationObserver(function () {
    document.querySelectorAll("[data-sheet]:not([data-asked])").forEach(function (place) {
      place.setAttribute("data-asked", "true");
      load(place);
    });
  }).observe(document.documentElement, { childList: true, subtree: true });
})();
