'use strict';

/**
 * Compiles and vets the Go code for every system that there is a package for, without its C part, so
 * that none rots: `node scripts/systems.js`.
 */

const { spawnSync } = require('node:child_process');
const { PLATFORMS } = require('../lib/platforms.js');
const { ROOT } = require('./prepare.js');

/** @type {Record<string, string>} */
const GOOS = { linux: 'linux', darwin: 'darwin', win32: 'windows' };
/** @type {Record<string, string>} */
const GOARCH = { x64: 'amd64', arm64: 'arm64' };

const systems = new Set(
  Object.values(PLATFORMS).map(({ os, cpu }) => `${GOOS[os]}/${GOARCH[cpu]}`),
);
for (const system of systems) {
  const [goos, goarch] = system.split('/');
  const env = { ...process.env, CGO_ENABLED: '0', GOOS: goos, GOARCH: goarch };
  const { status } = spawnSync('go', ['vet', './...'], { cwd: ROOT, env, stdio: 'inherit' });
  console.log(`${status === 0 ? 'compiles' : 'FAILS'} for ${system}`);
  if (status !== 0) process.exitCode = 1;
}
