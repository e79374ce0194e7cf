/** Light or dark: as the system has it, unless somebody has chosen. */

import { useEffect, useState } from 'preact/hooks';

const KEY = 'duroxide-theme';
const THEMES = ['system', 'light', 'dark'];

function stored() {
  try {
    const value = window.localStorage.getItem(KEY);
    return THEMES.includes(value) ? value : 'system';
  } catch {
    return 'system';
  }
}

export function Theme() {
  const [theme, setTheme] = useState(stored);
  useEffect(() => {
    document.documentElement.dataset.theme = theme;
    try {
      window.localStorage.setItem(KEY, theme);
    } catch {
      // Where nothing may be stored it is as the system has it next time.
    }
  }, [theme]);
  return (
    <label class="theme">
      <span class="hidden">Colours</span>
      <select value={theme} onChange={(event) => setTheme(event.target.value)}>
        {THEMES.map((each) => (
          <option key={each} value={each}>
            {each}
          </option>
        ))}
      </select>
    </label>
  );
}
