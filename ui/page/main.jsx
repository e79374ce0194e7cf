/** The page: its frame, and which part is shown. */

import { render } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { Activities } from './activities.jsx';
import { get, post, useConnection } from './api.mjs';
import { Instance } from './instance.jsx';
import { Instances } from './instances.jsx';
import { Overview } from './overview.jsx';
import { Link, Loading } from './parts.jsx';
import { useAddress } from './router.mjs';
import { Runtimes } from './runtimes.jsx';
import { Schedule, Schedules } from './schedules.jsx';
import { Storage } from './storage.jsx';
import { Theme } from './theme.jsx';
import { Versions } from './versions.jsx';

const PAGES = {
  '': { title: 'Overview', show: Overview },
  instances: { title: 'Instances', show: Instances },
  instance: { title: 'Instance', show: Instance, below: 'instances' },
  activities: { title: 'Activities', show: Activities },
  schedules: { title: 'Schedules', show: Schedules },
  schedule: { title: 'Schedule', show: Schedule, below: 'schedules' },
  runtimes: { title: 'Runtimes', show: Runtimes },
  versions: { title: 'Versions', show: Versions },
  storage: { title: 'Storage', show: Storage },
};

const MENU = ['', 'instances', 'activities', 'schedules', 'runtimes', 'versions', 'storage'];

function Connection() {
  const state = useConnection();
  const texts = {
    live: 'Live',
    lost: 'The connection is lost; trying again',
    out: 'You are signed out. Ask whoever runs the page for a new link.',
  };
  return (
    <p class={`connection ${state}`} role="status">
      {texts[state]}
    </p>
  );
}

function SignOut() {
  const leave = () =>
    post('sign-out', {}).then(
      () => window.location.reload(),
      () => window.location.reload(),
    );
  return (
    <button type="button" onClick={leave}>
      Sign out
    </button>
  );
}

function Menu({ name }) {
  const current = PAGES[name]?.below ?? name;
  return (
    <nav aria-label="Pages">
      {MENU.map((each) => (
        <Link key={each} to={each} aria-current={each === current ? 'page' : undefined}>
          {PAGES[each].title}
        </Link>
      ))}
    </nav>
  );
}

function App() {
  const [session, setSession] = useState(null);
  const [problem, setProblem] = useState(null);
  const address = useAddress();
  const main = useRef(null);
  const isFirst = useRef(true);
  useEffect(() => {
    get('session').then(setSession, setProblem);
  }, []);
  const page = PAGES[address.name];
  const subject = address.params.id;
  useEffect(() => {
    const title = page?.title ?? 'Nothing here';
    document.title = `${subject === undefined ? title : `${title} ${subject}`} · duroxide`;
    // Who goes on by keyboard or hears the page starts at what is new.
    if (!isFirst.current) main.current?.focus();
    isFirst.current = false;
  }, [address.name, subject]);
  if (session === null) return <Loading problem={problem} />;
  const Shown = page?.show;
  return (
    <>
      <a class="skip" href="#main">
        To the content
      </a>
      <header>
        <strong class="brand">duroxide</strong>
        <Menu name={address.name} />
        <Connection />
        <Theme />
        <span class="user">
          {session.user}
          {!session.mayOperate && ' (read only)'}
        </span>
        {session.maySignOut && <SignOut />}
      </header>
      <main id="main" ref={main} tabIndex={-1}>
        {Shown ? (
          <Shown
            key={`${address.name} ${subject}`}
            params={address.params}
            mayOperate={session.mayOperate}
          />
        ) : (
          <h1>Nothing here</h1>
        )}
      </main>
    </>
  );
}

render(<App />, document.getElementById('page'));
