/** Exchanges the token of the link for a cookie. It stands in the fragment, which browsers send to nobody. */

const base = document.documentElement.dataset.base ?? '';
const page = document.getElementById('page');

function say(text) {
  const title = document.createElement('h1');
  title.textContent = 'duroxide';
  const note = document.createElement('p');
  note.setAttribute('role', 'alert');
  note.textContent = text;
  const main = document.createElement('main');
  main.append(title, note);
  page.replaceChildren(main);
}

async function signIn(token) {
  const response = await fetch(`${base}/api/sign-in`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ token }),
  });
  const { pathname, search } = window.location;
  // Nor does it stay in the address, or in what one can go back to.
  window.history.replaceState(null, '', pathname + search);
  if (response.ok) return window.location.reload();
  const { error } = await response.json().catch(() => ({}));
  say(error?.message ?? `the server answered with ${response.status}`);
}

const token = new URLSearchParams(window.location.hash.slice(1)).get('token');
if (token === null) {
  say(
    'Open the link that was printed when this page was started; each link is good for one sign-in.',
  );
} else {
  signIn(token).catch((error) => say(error.message));
}

// A link that is pasted over this page changes the fragment only.
window.addEventListener('hashchange', () => window.location.reload());
