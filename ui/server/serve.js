'use strict';

/** The page by itself: on this machine, for whoever has started it. */

const http = require('node:http');
const os = require('node:os');
const { Dashboard } = require('./dashboard.js');
const { checkClient, checkType, handlers, warn } = require('./mount.js');
const { SignIn } = require('./sign-in.js');

const OPTIONS = ['client', 'port', 'readOnly', 'redact', 'print', 'onError'];

/** The names by which this machine is asked: another name may lead here, too, and is somebody else's. */
const NAMES = ['localhost', '127.0.0.1', '[::1]'];

/** @param {unknown} port */
function checkPort(port) {
  if (!Number.isInteger(port) || Number(port) < 0 || Number(port) > 65_535) {
    throw new RangeError(`port must be a whole number from 0 to 65535, not ${port}`);
  }
  return Number(port);
}

function userOfSystem() {
  try {
    return os.userInfo().username;
  } catch {
    // A container may run as a user without a name.
    return String(process.getuid?.() ?? 'unknown');
  }
}

/** @param {http.Server} server @param {number} port @returns {Promise<number>} */
function listen(server, port) {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      server.off('error', reject);
      resolve(/** @type {import('node:net').AddressInfo} */ (server.address()).port);
    });
  });
}

/** Its documentation is in index.d.ts. @param {any} options */
async function serve(options) {
  const given = { ...options };
  const unknown = Object.keys(given).find((name) => !OPTIONS.includes(name));
  if (unknown !== undefined) throw new TypeError(`there is no option ${unknown}`);
  const signIn = new SignIn(userOfSystem());
  let port = checkPort(given.port ?? 0);
  const dashboard = new Dashboard({
    client: checkClient(given.client),
    basePath: '',
    readOnly: checkType(given, 'readOnly', 'boolean') ?? false,
    authenticate: async (asked) => signIn.whoIs(asked),
    redact: checkType(given, 'redact', 'function'),
    onFault: checkType(given, 'onError', 'function') ?? warn,
    signIn,
    isHost: (asked) => NAMES.some((name) => isAt(asked.header('host'), name, port)),
  });
  const { handler, close } = handlers(dashboard);
  const server = http.createServer((req, res) => void handler(req, res));
  port = await listen(server, port);
  signIn.servedAt(port);
  const url = `http://127.0.0.1:${port}/`;
  const newLink = () => `${url}#token=${signIn.newToken()}`;
  const link = newLink();
  const print = checkType(given, 'print', 'function') ?? (() => process.stdout.write(`${link}\n`));
  print(link);
  return {
    url,
    link,
    newLink,
    close: () =>
      new Promise((resolve) => {
        close();
        server.close(resolve);
        server.closeAllConnections();
      }),
  };
}

/** @param {string | null} host @param {string} name @param {number} port */
function isAt(host, name, port) {
  const asked = host?.toLowerCase();
  return asked === `${name}:${port}` || (port === 80 && asked === name);
}

module.exports = { serve };
