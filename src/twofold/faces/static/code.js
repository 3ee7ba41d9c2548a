// A code is sent as soon as it is complete, and a new one can be had when it may.

const field = document.getElementById("code");
const digits = Number(field?.dataset.digits);
if (digits) {
  // Once for each text: a code that was refused is not sent again by itself.
  let last = "";
  field.addEventListener("input", (event) => {
    if (event.isComposing) return;
    const typed = [...field.value.normalize("NFKC")].filter((sign) => /\p{Nd}/u.test(sign));
    const rest = field.value.replace(/[\p{Nd}\s\-\u2010-\u2015]/gu, "");
    const code = typed.join("");
    if (rest || typed.length !== digits || code === last) return;
    last = code;
    field.form.requestSubmit();
  });
}

// Seconds until another code may be asked for, as the server counted them.
const resend = document.querySelector("[data-wait]");
if (resend) {
  const button = resend.querySelector("button");
  const note = resend.querySelector("[data-counted]");
  const left = note?.querySelector("[data-left]");
  const until = Date.now() + resend.dataset.wait * 1000;
  const count = () => {
    const seconds = Math.ceil((until - Date.now()) / 1000);
    const waiting = seconds > 0;
    button.disabled = waiting;
    if (!note) return;
    note.hidden = !waiting;
    if (!waiting) return;
    left.textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
    setTimeout(count, 250);
  };
  count();
}

// What this device's clock says beside what ours did. It knows nothing of any code.
const skew = document.querySelector("[data-skew]");
const entry = performance.getEntriesByType("navigation")[0];
if (skew && entry?.type !== "back_forward") {
  const off = Date.now() - Number(skew.dataset.skew);
  const minutes = Math.round(Math.abs(off) / 60000);
  // Less than a minute may as well be a slow network.
  if (Math.abs(off) >= 60000 && minutes < 1500) {
    skew.textContent = (off < 0 ? skew.dataset.slow : skew.dataset.fast).replace("{minutes}", minutes);
    skew.hidden = false;
  }
}
