/** Buttons and forms that start something which takes a moment. */

/** Call `work` when the button is pressed; a second press while it works does nothing. */
export function onPress(button, work) {
  button.addEventListener("click", () => run(button, work));
}

/** Call `work` when the form is sent, in the place of the browser's own sending. */
export function onSubmit(form, work) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    return run(form.querySelector("button:not([type=button])"), work);
  });
}

// Not `disabled`: a button that is disabled loses the keyboard's focus.
async function run(button, work) {
  if (button.getAttribute("aria-disabled") === "true") return;
  button.setAttribute("aria-disabled", "true");
  try {
    await work();
  } finally {
    button.removeAttribute("aria-disabled");
  }
}
