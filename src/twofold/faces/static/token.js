// The code of a message stands behind the number sign of its link, where no server, proxy or
// Referer header sees it. Put it into the field, and out of the address bar and the history.
const field = document.querySelector("[data-from-address]");
if (field && location.hash.length > 1) {
  field.value = decodeURIComponent(location.hash.slice(1));
  history.replaceState(null, "", location.pathname);
}
