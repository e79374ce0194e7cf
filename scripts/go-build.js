'use strict';

/** How Go builds the engine, for whichever system and in whichever form. */

const { version } = require('../package.json');

/**
 * What is compiled without inlining, which is smaller: what runs when a connection or a token is asked for, in
 * tests, beside a wait for a server, or so seldom or so long that its calls do not matter: `npm run bench` shows no
 * difference for the border and the replay.
 */
const COLD = [
  'github.com/Azure/...',
  'github.com/AzureAD/...',
  'github.com/jackc/pgx/v5/pgtype',
  'golang.org/x/...',
  'vendor/...',
  'crypto/...',
  'encoding/asn1',
  'encoding/json',
  'encoding/pem',
  'encoding/xml',
  'math/big',
  'mime/...',
  'net',
  'net/http/...',
  'net/netip',
  'net/textproto',
  'net/url',
  'reflect',
  'regexp/...',
  'strings',
  'text/...',
  'compress/...',
  'fmt',
  'html',
  'log/...',
  'os/...',
  'path/...',
  'github.com/Masterminds/...',
  'github.com/jackc/pgx/v5',
  'github.com/jackc/pgx/v5/pgconn',
  'github.com/jackc/pgx/v5/pgproto3',
  'duroxide/logging',
  'duroxide/provider/memory',
  'duroxide/provider/postgres',
  'duroxide/bridge',
  'duroxide/engine/replay',
];

/**
 * The words after `go` that build the engine, without the file that it writes.
 *
 * @param {string | null} mode a build mode of Go, or null for a program
 * @param {string} [more] for the linker
 * @param {string[]} [tags] beside those of every build
 */
function buildEngine(mode, more = '', tags = []) {
  // Go would align functions to 32 bytes on x64, which costs a hundredth of the file.
  const words = ['-s', '-w', '-funcalign=8', more, `-X main.version=${version}`];
  const flags = words.filter(Boolean).join(' ');
  // Who fetches tokens brings HTTP/2 along; the copy of it in net/http would only be weight.
  const cold = COLD.map((packages) => `-gcflags=${packages}=-l`);
  const tagged = `-tags=${['nethttpomithttp2', ...tags].join()}`;
  const common = [...cold, '-trimpath', tagged, `-ldflags=${flags}`];
  return ['build', ...(mode === null ? [] : [`-buildmode=${mode}`]), ...common];
}

module.exports = { buildEngine };
