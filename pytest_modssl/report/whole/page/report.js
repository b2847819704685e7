"use strict";
(() => {
  const form = document.querySelector("form.filter");
  const tests = [...document.querySelectorAll("[data-outcome]")].map((element) => ({ element, text: element.textContent.toLowerCase() }));
  const cards = [...document.querySelectorAll("[data-host]")].map((element) => ({ element, text: element.textContent.toLowerCase() }));
  const count = document.getElementById("shown");
  const filter = () => {
    const words = form.elements.text.value.toLowerCase().split(/\s+/).filter(Boolean);
    const wanted = new Set([...form.querySelectorAll("input[type=checkbox]:checked")].map((box) => box.value));
    let shown = 0;
    for (const { element, text } of tests) {
      element.hidden = !(wanted.has(element.dataset.outcome) && words.every((word) => text.includes(word)));
      shown += !element.hidden;
    }
    for (const { element, text } of cards) element.hidden = !words.every((word) => text.includes(word));
    count.textContent = `${shown} of ${tests.length} tests shown`;
  };
  if (form) {
    form.hidden = false;
    form.addEventListener("input", filter);
    form.addEventListener("submit", (event) => event.preventDefault());
    filter();
  }
  for (const box of document.querySelectorAll(".copyable")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copy";
    button.textContent = "Copy";
    button.addEventListener("click", () => {
      navigator.clipboard.writeText(box.querySelector("pre").textContent).then(
        () => { button.textContent = "Copied"; },
        () => { getSelection().selectAllChildren(box.querySelector("pre")); button.textContent = "Selected"; },
      );
    });
    box.append(button);
  }
  const open = () => {
    const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    for (let one = target; one; one = one.parentElement) if (one instanceof HTMLDetailsElement) one.open = true;
    if (target) target.scrollIntoView();
  };
  addEventListener("hashchange", open);
  open();
})();
