/** Elements of the page: finding them and making them. */

export function byId(id) {
  return document.getElementById(id);
}

/**
 * A new element. Strings among the children become text, never markup: what users wrote is shown as
 * they wrote it. A value of null or false leaves an attribute out, true sets it empty.
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
