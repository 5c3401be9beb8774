// What makes the pages handier.  Each works without: nothing here decides anything, and the server asks again.
"use strict";

function add(parent, tag, properties, before = null) {
  const element = Object.assign(document.createElement(tag), properties);
  parent.insertBefore(element, before);
  return element;
}

// Show a password while it is typed; hidden again when it is sent, so that browsers know it for one.
for (const input of document.querySelectorAll(".box > input[type=password]")) {
  const name = input.closest(".field").querySelector("label").textContent;
  const button = add(input.parentNode, "button", { type: "button", className: "peek", textContent: "Show" });
  input.parentNode.classList.add("shows");
  const show = (on) => {
    input.type = on ? "text" : "password";
    button.textContent = on ? "Hide" : "Show";
    button.setAttribute("aria-label", `${button.textContent}: ${name}`);
  };
  show(false);
  button.addEventListener("click", () => show(input.type === "password"));
  input.form.addEventListener("submit", () => show(false));
}

// Roughly how hard a password is to guess: runs, repeats and the user's name count for little.
const common = /pass(word|wort)|qwert|asdf|letmein|welcome|admin|login|secret|iloveyou|abc123/g;
function level(password, own) {
  let text = password.toLowerCase();
  if (own.length > 2) text = text.split(own.toLowerCase()).join("!");
  text = text.replace(common, "!").replace(/(.+?)\1+/g, "$1!");
  let steps = 0;
  let last = 0;
  for (const character of text) {
    const code = character.codePointAt(0);
    steps += Math.abs(code - last) === 1 ? 0.3 : 1;
    last = code;
  }
  let kinds = 0;
  for (const [kind, size] of [[/[a-z]/, 20], [/[A-Z]/, 10], [/[0-9]/, 10], [/[^a-zA-Z0-9]/, 20]]) {
    if (kind.test(password)) kinds += size;
  }
  const bits = steps * Math.log2(Math.max(kinds, 2));
  return bits < 30 ? 1 : bits < 48 ? 2 : bits < 66 ? 3 : 4;
}

const words = ["", "Easy to guess", "Could be better", "Good", "Very good"];
for (const input of document.querySelectorAll("[data-strength]")) {
  const place = input.closest(".field");
  const says = add(place, "p", { className: "strength" }, place.querySelector(".hint"));
  says.setAttribute("aria-live", "polite");
  input.addEventListener("input", () => {
    const named = input.form.elements.username;
    const long = [...input.value].length >= 8;
    const result = long ? level(input.value, named ? named.value : "") : 1;
    says.dataset.level = input.value ? result : 0;
    const text = !input.value ? "" : long ? `Strength, roughly: ${words[result]}` : "Too short as yet";
    if (says.textContent !== text) says.textContent = text;
  });
}

// The second time is the same as the first.
for (const again of document.querySelectorAll("[data-same]")) {
  const first = document.getElementById(again.dataset.same);
  const says = add(again.closest(".field"), "p", { className: "hint", id: `${again.id}-says` });
  says.setAttribute("aria-live", "polite");
  again.setAttribute("aria-describedby", says.id);
  const compare = () => {
    const same = first.value === again.value;
    again.setCustomValidity(same ? "" : "This is not the same as the new password.");
    const text = !again.value || first.value.startsWith(again.value) && !same ? "" :
      same ? "The same as above." : "Not the same as above.";
    if (says.textContent !== text) says.textContent = text;
  };
  first.addEventListener("input", compare);
  again.addEventListener("input", compare);
}

// Apps show "123 456"; what is pasted goes without the blank.
for (const input of document.querySelectorAll("[data-code]")) {
  input.addEventListener("input", () => {
    if (/\s/.test(input.value)) input.value = input.value.replace(/\s+/g, "");
  });
}

// Copy the key or the codes; print the codes.
for (const source of document.querySelectorAll("[data-copy]")) {
  const tools = document.createElement("div");
  tools.className = "tools";
  (source.closest("p") || source).after(tools);
  if (navigator.clipboard) {
    const button = add(tools, "button", { type: "button", className: "small" });
    button.textContent = `Copy the ${source.dataset.copyWhat}`;
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(source.dataset.copy);
        says.textContent = "Copied.";
      } catch {
        says.textContent = "Your browser does not allow it. Select the text, and copy that.";
      }
    });
  }
  if ("print" in source.dataset) {
    const button = add(tools, "button", { type: "button", className: "small", textContent: "Print" });
    button.addEventListener("click", () => window.print());
  }
  const says = add(tools, "span", {});
  says.setAttribute("role", "status");
}

// A second press would spend a second attempt.  Undone when the page comes back from the browser's memory.
const busy = new Set();
for (const form of document.forms) {
  form.addEventListener("submit", (event) => {
    if (busy.has(form)) event.preventDefault();
    busy.add(form);
    form.setAttribute("aria-busy", "true");
  });
}
window.addEventListener("pageshow", () => {
  for (const form of busy) form.removeAttribute("aria-busy");
  busy.clear();
});
