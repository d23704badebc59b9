/* What the other scripts of this folder share; the name puts it first, for scripts are served in the order of their names. */
(function () {
  "use strict";

  function element(name, attributes, children) {
    var node = document.createElement(name);
    Object.keys(attributes || {}).forEach(function (key) {
      if (attributes[key] === null || attributes[key] === false) { return; }
      if (key.slice(0, 2) === "on") { node.addEventListener(key.slice(2), attributes[key]); } else { node.setAttribute(key, attributes[key]); }
    });
    [].concat(children || []).forEach(function (child) {
      if (child === null || child === undefined) { return; }
      node.appendChild(typeof child === "object" ? child : document.createTextNode(String(child)));
    });
    return node;
  }

  function fill(text, fields) {
    return text.replace(/\{(\w+)\}/g, function (whole, name) { return name in fields ? fields[name] : whole; });
  }

  function language() {
    return document.documentElement.lang.slice(0, 2) === "en" ? "en" : "zh";
  }

  window.tew = { element: element, fill: fill, language: language };
})();
