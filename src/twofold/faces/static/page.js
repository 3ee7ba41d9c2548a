// What makes every page a little kinder. Each works without this file.

// A form is sent once: whoever presses twice has nothing counted twice.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented) return;
  if (form.dataset.sent) {
    event.preventDefault();
  } else if (form.method === "post") {
    form.dataset.sent = "yes";
    form.setAttribute("aria-busy", "true");
  }
});
// Back shows the page as it was left: its forms may be sent again.
addEventListener("pageshow", () => {
  for (const form of document.forms) {
    delete form.dataset.sent;
    form.removeAttribute("aria-busy");
  }
});

// Times in the clock and the words of whoever reads them.
const lang = document.documentElement.lang;
const dated = new Intl.DateTimeFormat(lang, { dateStyle: "medium", timeStyle: "short" });
for (const time of document.querySelectorAll("time[datetime]")) {
  const at = new Date(time.dateTime);
  if (!isNaN(at)) time.textContent = dated.format(at);
}

// A password can be looked at while it is typed.
for (const button of document.querySelectorAll("[data-reveal]")) {
  const field = document.getElementById(button.dataset.reveal);
  button.hidden = false;
  button.addEventListener("click", () => {
    const shown = field.type === "text";
    field.type = shown ? "password" : "text";
    button.setAttribute("aria-pressed", String(!shown));
    [button.textContent, button.dataset.other] = [button.dataset.other, button.textContent];
    field.focus();
  });
  // Browsers offer to keep what is sent from a field of passwords only.
  field.form.addEventListener("submit", () => { field.type = "password"; });
}

// A page that ends says so in time, once, and again when it is over.
const ends = document.querySelector("[data-ends]");
if (ends) {
  const note = document.querySelector("[data-ending]");
  const said = note.querySelector("span");
  const until = Date.now() + ends.dataset.ends * 1000;
  const look = () => {
    const left = until - Date.now();
    if (left > 60000) return setTimeout(look, Math.min(left - 60000, 30000));
    const over = left <= 0;
    const words = over ? ends.dataset.over : ends.dataset.soon;
    if (said.textContent !== words) said.textContent = words;
    note.hidden = false;
    note.querySelector("a").hidden = !over;
    ends.hidden = true;
    if (!over) setTimeout(look, Math.max(left, 250));
  };
  look();
}
