'use strict';

/**
 * The packages as they are published, made in build/release: the main one, which holds no binary and
 * no source of one; one per platform with both binaries; the engine as a program; and for musl, where no
 * library can be loaded, one that brings the program along; the command line; the page; and that for OpenTelemetry. All have the
 * version of package.json.
 */

const { execFileSync, spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const {
  ADDON_FILE,
  MUSL_PLATFORMS,
  PLATFORMS,
  PROGRAM_FILE,
  PROGRAM_PLATFORMS,
  engineFile,
  packageName,
  programPackage,
} = require('../lib/platforms.js');
const { bundle, unwrapComments } = require('./bundle.js');
const { ROOT } = require('./prepare.js');
const { squeeze } = require('./squeeze.js');
const { buildPage } = require('./ui.js');
const manifest = require('../package.json');

const RELEASE = path.join(ROOT, 'build', 'release');

/** @typedef {{ name: string, file: string, packed: number, unpacked: number, files: string[] }} Packed */

/** Fields of package.json that are for this clone only. */
const OWN_FIELDS = ['private', 'scripts', 'devDependencies', 'allowScripts', 'gypfile'];

/** What the main package holds besides its description. */
const MAIN_FILES = ['bin', 'lib', 'index.d.ts', 'README.md', 'LICENSE'];

/** The types of our own border: nobody outside can import them. */
const INTERNAL = path.join('lib', 'native.d.ts');

/**
 * Runs npm, the same one that runs this script if one does.
 *
 * @param {string[]} args
 * @param {string} cwd
 * @param {NodeJS.ProcessEnv} [env]
 */
function npm(args, cwd, env = process.env) {
  const own = process.env.npm_execpath;
  const options = /** @type {const} */ ({ cwd, env, encoding: 'utf8', maxBuffer: 1 << 26 });
  if (own?.endsWith('.js')) return execFileSync(process.execPath, [own, ...args], options);
  return execFileSync('npm', args, { ...options, shell: process.platform === 'win32' });
}

/** Where packages are made, before they are packed. */
const MADE = path.join(RELEASE, 'packages');

/** Makes an empty folder for a package. @param {string} name @param {string} among */
function folderFor(name, among) {
  const folder = path.join(among, name);
  fs.rmSync(folder, { recursive: true, force: true });
  fs.mkdirSync(folder, { recursive: true });
  return folder;
}

/** @param {string} folder @param {object} description */
function describe(folder, description) {
  fs.writeFileSync(path.join(folder, 'package.json'), `${JSON.stringify(description, null, 2)}\n`);
}

/** The description of the main package, as it is published. */
function mainManifest() {
  const own = Object.entries(manifest).filter(([field]) => !OWN_FIELDS.includes(field));
  const chosen = [...Object.keys(PLATFORMS), ...Object.keys(MUSL_PLATFORMS)].map(packageName);
  const packages = Object.fromEntries(chosen.map((name) => [name, manifest.version]));
  // The programs are no optional peers: npm would install one beside the library.
  return { ...Object.fromEntries(own), optionalDependencies: packages };
}

/** Makes the main package and gives its folder. @param {string} [among] other packages */
function makeMain(among = MADE) {
  const folder = folderFor('main', among);
  for (const name of MAIN_FILES) {
    fs.cpSync(path.join(ROOT, name), path.join(folder, name), { recursive: true });
  }
  fs.rmSync(path.join(folder, INTERNAL));
  unwrapComments(path.join(folder, 'index.d.ts'));
  describe(folder, mainManifest());
  bundle(path.join(folder, 'lib'));
  return folder;
}

/** What all packages beside the main one say. @param {string} name */
function sharedManifest(name) {
  return {
    name,
    version: manifest.version,
    license: manifest.license,
    author: manifest.author,
    ...('repository' in manifest ? { repository: manifest.repository } : {}),
    publishConfig: { access: 'public' },
  };
}

/** What the packages say that are one module beside the main one. @param {string} name */
function moduleManifest(name) {
  return {
    ...sharedManifest(packageName(name)),
    type: 'commonjs',
    main: 'index.js',
    types: 'index.d.ts',
    exports: {
      '.': { types: './index.d.ts', default: './index.js' },
      './package.json': './package.json',
    },
    engines: manifest.engines,
  };
}

/** The description of the command line, which bin/duroxide.js of the main package looks for. */
function cliManifest() {
  const { commander } = manifest.devDependencies;
  return {
    ...sharedManifest(packageName('cli')),
    description: `The commands of npx ${manifest.name}`,
    type: 'commonjs',
    main: 'main.js',
    exports: { '.': './main.js', './package.json': './package.json' },
    engines: manifest.engines,
    dependencies: { commander },
    peerDependencies: { [manifest.name]: manifest.version },
  };
}

/** Makes the package of the command line. @param {string} [among] other packages */
function makeCli(among = MADE) {
  const folder = folderFor('cli', among);
  fs.cpSync(path.join(ROOT, 'cli'), folder, { recursive: true });
  fs.copyFileSync(path.join(ROOT, 'LICENSE'), path.join(folder, 'LICENSE'));
  describe(folder, cliManifest());
  return folder;
}

/** The description of the page. */
function uiManifest() {
  return {
    ...moduleManifest('ui'),
    description: `See and operate what runs on a store of ${manifest.name}, in a browser`,
    peerDependencies: { [manifest.name]: manifest.version },
  };
}

/** Makes the package of the page. @param {string} [among] other packages */
function makeUi(among = MADE) {
  const folder = folderFor('ui', among);
  for (const name of ['index.js', 'index.d.ts', 'README.md', 'server']) {
    fs.cpSync(path.join(ROOT, 'ui', name), path.join(folder, name), { recursive: true });
  }
  buildPage(path.join(folder, 'assets'));
  fs.copyFileSync(path.join(ROOT, 'LICENSE'), path.join(folder, 'LICENSE'));
  // The page is bundled with it.
  const preact = fs.readFileSync(path.join(ROOT, 'node_modules', 'preact', 'LICENSE'), 'utf8');
  fs.writeFileSync(path.join(folder, 'LICENSES.txt'), `preact\n\n${preact}`);
  describe(folder, uiManifest());
  return folder;
}

/**
 * What all packages of binaries say.
 *
 * @param {string} name
 * @param {{ os: string, cpu: string, libc?: string }} system
 */
function commonManifest(name, { os, cpu, libc }) {
  return {
    ...sharedManifest(name),
    os: [os],
    cpu: [cpu],
    ...(libc ? { libc: [libc] } : {}),
    exports: { './package.json': './package.json' },
    // Binaries are opened by path, which an archive of Yarn has none of.
    preferUnplugged: true,
  };
}

/** The description of the package of a platform. @param {string} name */
function platformManifest(name) {
  if (name in MUSL_PLATFORMS) return muslManifest(name);
  const system = PLATFORMS[name] ?? { os: process.platform, cpu: process.arch };
  return {
    ...commonManifest(packageName(name), system),
    description: `The engine of ${manifest.name} for ${name}`,
    files: [ADDON_FILE, engineFile(system.os), 'LICENSE', 'LICENSES.txt'],
  };
}

/** The description of a package for musl, which npm and others choose by libc. @param {string} name */
function muslManifest(name) {
  const { program, ...system } = MUSL_PLATFORMS[name];
  return {
    ...commonManifest(packageName(name), system),
    description: `Brings the engine of ${manifest.name} for ${name}, as a process of its own`,
    files: ['LICENSE'],
    dependencies: { [programPackage(program)]: manifest.version },
  };
}

/** The description of the engine as a program, which runs with every libc. @param {string} name */
function programManifest(name) {
  return {
    ...commonManifest(programPackage(name), PROGRAM_PLATFORMS[name]),
    description: `The engine of ${manifest.name} for ${name}, as a process of its own`,
    files: [PROGRAM_FILE, 'LICENSE', 'LICENSES.txt'],
  };
}

/** The licences of the Go modules that the engine is made of. */
function goLicences() {
  const format = '{{with .Module}}{{if not .Main}}{{.Path}}\t{{.Version}}\t{{.Dir}}{{end}}{{end}}';
  const args = ['list', '-deps', '-f', format, './bridge'];
  const { stdout, status } = spawnSync('go', args, { cwd: ROOT, encoding: 'utf8' });
  if (status !== 0) throw new Error('go list failed: the licences of the modules are not known');
  const modules = [...new Set(stdout.split('\n'))].filter(Boolean).sort();
  /** Which module has shown a text that others have, too. @type {Map<string, string>} */
  const shown = new Map();
  return modules.map((line) => {
    const [name, version, folder] = line.split('\t');
    const files = fs
      .readdirSync(folder)
      .filter((file) => /^(licen[cs]e|notice|copying)/i.test(file));
    const texts = files.map((file) => {
      const text = fs.readFileSync(path.join(folder, file), 'utf8').trim();
      const first = shown.get(text);
      if (first !== undefined) return `${file}: the same text as that of ${first}`;
      shown.set(text, `${name} ${version}`);
      return text;
    });
    return [`${name} ${version}`, ...texts].join('\n\n');
  });
}

/**
 * Makes the package of a platform from the binaries in a folder, and gives its folder.
 *
 * @param {string} name
 * @param {string} binaries
 * @param {string} [among] other packages
 */
function makePlatform(name, binaries, among = MADE) {
  const description = platformManifest(name);
  const files = [ADDON_FILE, engineFile(description.os[0])];
  return makeBinaries(name, { description, files, binaries, among });
}

/**
 * Makes the package of the engine as a program.
 *
 * @param {string} name
 * @param {string} binaries
 * @param {string} [among] other packages
 */
function makeProgram(name, binaries, among = MADE) {
  const description = programManifest(name);
  return makeBinaries(`engine-${name}`, { description, files: [PROGRAM_FILE], binaries, among });
}

/** Makes a package for musl. @param {string} name @param {string} [among] other packages */
function makeMusl(name, among = MADE) {
  const folder = folderFor(name, among);
  fs.copyFileSync(path.join(ROOT, 'LICENSE'), path.join(folder, 'LICENSE'));
  describe(folder, muslManifest(name));
  return folder;
}

/**
 * @param {string} name
 * @param {{ description: object, files: string[], binaries: string, among: string }} what
 */
function makeBinaries(name, { description, files, binaries, among }) {
  const folder = folderFor(name, among);
  for (const file of files) {
    fs.copyFileSync(path.join(binaries, file), path.join(folder, file));
    fs.chmodSync(path.join(folder, file), file === PROGRAM_FILE ? 0o755 : 0o644);
  }
  fs.copyFileSync(path.join(ROOT, 'LICENSE'), path.join(folder, 'LICENSE'));
  const rule = `\n\n${'-'.repeat(80)}\n\n`;
  fs.writeFileSync(path.join(folder, 'LICENSES.txt'), `${goLicences().join(rule)}\n`);
  describe(folder, description);
  return folder;
}

/** The description of the package for OpenTelemetry. */
function telemetryManifest() {
  return {
    ...moduleManifest('opentelemetry'),
    description: `Traces and metrics of ${manifest.name} with OpenTelemetry`,
    peerDependencies: { [manifest.name]: manifest.version, '@opentelemetry/api': '^1.9.0' },
  };
}

/** Makes the package for OpenTelemetry. @param {string} [among] other packages */
function makeTelemetry(among = MADE) {
  const folder = folderFor('opentelemetry', among);
  fs.cpSync(path.join(ROOT, 'opentelemetry'), folder, { recursive: true });
  fs.copyFileSync(path.join(ROOT, 'LICENSE'), path.join(folder, 'LICENSE'));
  describe(folder, telemetryManifest());
  return folder;
}

/**
 * Packs the package in a folder, and says what npm has packed.
 *
 * @param {string} folder
 * @param {string} destination
 * @returns {Packed}
 */
function pack(folder, destination) {
  fs.mkdirSync(destination, { recursive: true });
  const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', destination];
  const [packed] = JSON.parse(npm(args, folder));
  const file = path.join(destination, packed.filename);
  return {
    name: packed.name,
    file,
    packed: squeeze(file),
    unpacked: packed.unpackedSize,
    files: packed.files.map((/** @type {{ path: string }} */ file) => file.path),
  };
}

module.exports = {
  RELEASE,
  cliManifest,
  makeCli,
  makeMain,
  makeMusl,
  makePlatform,
  makeProgram,
  makeTelemetry,
  makeUi,
  npm,
  pack,
  platformManifest,
  programManifest,
  telemetryManifest,
  uiManifest,
};
