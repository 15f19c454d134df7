/** Find and create elements of the page. */

export function byId(id) {
  return document.getElementById(id);
}

/** Show a sentence, as "bad", "good" or neither. */
export function sayIn(place, words, kind = "") {
  place.textContent = words;
  place.dataset.kind = kind;
}

/**
 * Return a new element. Strings among the children become text, never markup, so users' texts are
 * shown unchanged. A value of null or false omits an attribute, true sets it to an empty string.
 */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  setAttributes(made, attributes);
  made.append(...children);
  return made;
}

export function svgElement(tag, attributes = {}) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  setAttributes(made, attributes);
  return made;
}

function setAttributes(target, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) target.setAttribute(name, "");
    else if (value !== false && value !== null) target.setAttribute(name, value);
  }
}
