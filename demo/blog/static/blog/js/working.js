/** Handle buttons and forms whose action takes a moment. */

/** Call `work` when the button is pressed. Ignore further presses until it has finished. */
export function onPress(button, work) {
  button.addEventListener("click", () => run(button, work));
}

/** Call `work` when the form is submitted, instead of the browser's own submission. */
export function onSubmit(form, work) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    return run(form.querySelector("button:not([type=button])"), work);
  });
}

// Not `disabled`: a disabled button loses the keyboard focus.
async function run(button, work) {
  if (button.getAttribute("aria-disabled") === "true") return;
  button.setAttribute("aria-disabled", "true");
  try {
    await work();
  } finally {
    button.removeAttribute("aria-disabled");
  }
}
