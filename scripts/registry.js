'use strict';

/**
 * A registry of npm packages on this machine, for tests: it serves packed packages, so that package
 * managers choose among them as they do among published ones. Platforms that were not packed are
 * described and cannot be fetched, which is what a system of another platform must not try.
 */

const { createHash } = require('node:crypto');
const fs = require('node:fs');
const http = require('node:http');
const os = require('node:os');
const path = require('node:path');
const { MUSL_PLATFORMS, PLATFORMS, PROGRAM_PLATFORMS } = require('../lib/platforms.js');
const {
  cliManifest,
  pack,
  platformManifest,
  programManifest,
  telemetryManifest,
  uiManifest,
} = require('./packages.js');
const { ROOT } = require('./prepare.js');
const { dependencies, name: own } = require('../package.json');

/** @typedef {{ manifest: any, bytes: Buffer }} Served */

/** The description inside a packed package. @param {Buffer} bytes */
function manifestOf(bytes) {
  const archive = require('node:zlib').gunzipSync(bytes);
  for (let at = 0; at < archive.length; ) {
    const name = archive.toString('latin1', at, at + 100).replace(/\0.*$/s, '');
    const size = Number.parseInt(archive.toString('latin1', at + 124, at + 136), 8) || 0;
    if (name === 'package/package.json') {
      return JSON.parse(archive.toString('utf8', at + 512, at + 512 + size));
    }
    at += 512 + Math.ceil(size / 512) * 512;
  }
  throw new Error('a package without a description');
}

/** @param {Served} served @param {string} origin */
function document({ manifest, bytes }, origin) {
  const { name, version } = manifest;
  const dist = {
    tarball: `${origin}/${name}/-/${path.posix.basename(name)}-${version}.tgz`,
    integrity: `sha512-${createHash('sha512').update(bytes).digest('base64')}`,
    shasum: createHash('sha1').update(bytes).digest('hex'),
  };
  return {
    name,
    'dist-tags': { latest: version },
    versions: { [version]: { ...manifest, dist } },
    time: { [version]: '2020-01-01T00:00:00.000Z' },
  };
}

/** Packs what the packages without a binary depend on, as it is installed here. @returns {string[]} */
function packDependencies() {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'duroxide-dependencies-'));
  process.on('exit', () => fs.rmSync(folder, { recursive: true, force: true }));
  const { peerDependencies } = telemetryManifest();
  const all = { ...dependencies, ...cliManifest().dependencies, ...peerDependencies };
  return Object.keys(all)
    .filter((name) => name !== own)
    .map((name) => pack(path.join(ROOT, 'node_modules', name), folder).file);
}

/**
 * Serves packed packages, and what they depend on.
 *
 * @param {string[]} files
 * @returns {Promise<{ url: string, asked: string[], close: () => void }>} `asked` grows with every request
 */
async function serveRegistry(files) {
  /** @type {Map<string, Served>} */
  const packages = new Map();
  const described = [
    ...[...Object.keys(PLATFORMS), ...Object.keys(MUSL_PLATFORMS)].map(platformManifest),
    ...Object.keys(PROGRAM_PLATFORMS).map(programManifest),
    cliManifest(),
    uiManifest(),
    telemetryManifest(),
  ];
  for (const manifest of described) {
    packages.set(manifest.name, { manifest, bytes: Buffer.alloc(0) });
  }
  for (const file of [...packDependencies(), ...files]) {
    const bytes = fs.readFileSync(file);
    const manifest = manifestOf(bytes);
    packages.set(manifest.name, { manifest, bytes });
  }
  /** @type {string[]} */
  const asked = [];
  const server = http.createServer((request, response) => {
    const url = decodeURIComponent(request.url ?? '').slice(1);
    asked.push(url);
    const [name, archive] = url.split('/-/');
    const served = packages.get(name);
    if (served === undefined || (archive !== undefined && served.bytes.length === 0)) {
      response.writeHead(404, { 'content-type': 'application/json' }).end('{"error":"not found"}');
    } else if (archive === undefined) {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify(document(served, origin)));
    } else {
      response.writeHead(200, { 'content-type': 'application/octet-stream' }).end(served.bytes);
    }
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  const origin = `http://127.0.0.1:${port}`;
  return { url: origin, asked, close: () => server.close() };
}

module.exports = { serveRegistry };
