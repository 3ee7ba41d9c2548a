// Passkeys: the browser is asked, and what it says is sent as a field of a form.

const Key = window.PublicKeyCredential;
const able = Key?.parseRequestOptionsFromJSON && Key.parseCreationOptionsFromJSON;
// Browsers make passkeys for names only.
const named = !/^[\d.]+$|:/.test(location.hostname);
const reasons = { SecurityError: "site", InvalidStateError: "known", NotSupportedError: "unable", ConstraintError: "unable" };
let offered = null;

// A challenge made at this moment; null where none is wanted now.
async function asked(form, quiet) {
  const body = new URLSearchParams(new FormData(form));
  if (quiet) body.set("quiet", "yes");
  const answer = await fetch(form.dataset.get, { method: "POST", body });
  const { options, seconds } = await answer.json();
  if (!options) return null;
  options.timeout = Math.min(options.timeout, seconds * 1000);
  return Key.parseRequestOptionsFromJSON(options);
}

function send(form, credential) {
  form.elements.credential.value = JSON.stringify(credential);
  form.requestSubmit();
}

function say(form, what) {
  const note = form.querySelector("[role=alert]");
  note.textContent = form.dataset[what] ?? "";
  note.hidden = !what;
}

async function use(form) {
  const begun = performance.now();
  const button = form.querySelector("button");
  const { create } = form.dataset;
  let patience;
  say(form);
  offered?.abort();
  button.disabled = true;
  try {
    const publicKey = create ? Key.parseCreationOptionsFromJSON(JSON.parse(create)) : await asked(form);
    patience = publicKey.timeout * 0.95;
    const credential = await navigator.credentials[create ? "create" : "get"]({ publicKey });
    button.disabled = false;
    send(form, credential);
  } catch ({ name }) {
    button.disabled = false;
    // Browsers say the same of both, so that a page learns nothing of what is on the device.
    const spent = performance.now() - begun >= patience ? "late" : "cancelled";
    say(form, name === "NotAllowedError" ? spent : reasons[name] ?? "failed");
  }
}

for (const form of document.querySelectorAll(".passkey")) {
  if (!able || !named) {
    // Nobody asked for one on the sign-in page; elsewhere people are owed a word.
    const aside = form.closest("[data-autofill]");
    if (aside) aside.hidden = true;
    else say(form, able ? "site" : "unable");
    continue;
  }
  form.querySelector("button").hidden = false;
  form.addEventListener("submit", (event) => {
    if (form.elements.credential.value) return;
    event.preventDefault();
    use(form);
  });
  // Back shows the page as it was left, with an answer that was given.
  addEventListener("pageshow", () => { form.elements.credential.value = ""; });
}

// Where the browser can, it offers passkeys among the names it would fill in.
async function offer(form) {
  offered?.abort();
  const { signal } = offered = new AbortController();
  try {
    const publicKey = await asked(form, true);
    if (!publicKey || signal.aborted) return;
    // Hidden pages ask for nothing; whoever comes back to one finds it fresh.
    const again = setTimeout(() => {
      if (!document.hidden) return offer(form);
      document.addEventListener("visibilitychange", () => offer(form), { once: true, signal });
    }, publicKey.timeout * 0.8);
    signal.addEventListener("abort", () => clearTimeout(again));
    send(form, await navigator.credentials.get({ publicKey, mediation: "conditional", signal }));
  } catch {
    // Nobody asked for it: the button says what is wrong.
  }
}

const autofill = document.querySelector("[data-autofill] form");
if (able && named && autofill && await Key.isConditionalMediationAvailable?.()) offer(autofill);

// Which passkeys are still good, for password managers that keep the others.
const told = document.querySelector("[data-signal]")?.dataset.signal;
if (told && able && named) {
  for (const how of ["signalAllAcceptedCredentials", "signalCurrentUserDetails"]) {
    Key[how]?.(JSON.parse(told)).catch(() => {});
  }
}
