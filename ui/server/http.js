'use strict';

/** Requests and answers in one form, from and to Node.js as well as `fetch`. */

const { HEADERS } = require('./guard.js');
const { Problem } = require('./problem.js');

const MAX_BODY_BYTES = 1 << 20;

/**
 * @typedef {object} Asked
 * @property {string} method
 * @property {string} path without the query
 * @property {URLSearchParams} query
 * @property {(name: string) => string | null} header
 * @property {boolean} isEncrypted
 * @property {unknown} original what `authenticate` is given
 * @property {() => Promise<string>} readBody at most 1 MiB
 */

/**
 * Where a stream of events goes.
 *
 * @typedef {object} Sink
 * @property {(text: string) => void} write
 * @property {() => boolean} isFull what is written now would have to be kept
 * @property {() => void} end
 * @property {(closed: () => void) => void} onClose
 */

/**
 * @typedef {object} Answer
 * @property {number} status
 * @property {Record<string, string>} [headers]
 * @property {string | Buffer} [body]
 * @property {(sink: Sink) => void} [stream]
 */

/** @param {number} status @param {unknown} value @returns {Answer} */
function json(status, value) {
  return {
    status,
    headers: { 'content-type': 'application/json; charset=utf-8' },
    body: JSON.stringify(value),
  };
}

function tooLarge() {
  return new Problem(413, 'TOO_LARGE', `a request has at most ${MAX_BODY_BYTES} bytes`);
}

/** Gathers a body as far as it may be long. @param {AsyncIterable<Uint8Array>} chunks */
async function gather(chunks) {
  const parts = [];
  let bytes = 0;
  for await (const chunk of chunks) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) throw tooLarge();
    parts.push(chunk);
  }
  return Buffer.concat(parts).toString('utf8');
}

/** @param {any} req */
async function bodyOfNode(req) {
  if (Number(req.headers['content-length'] ?? 0) > MAX_BODY_BYTES) throw tooLarge();
  // Frameworks may have read it before.
  if (req.body !== undefined && req.body !== null) {
    const text = typeof req.body === 'string' ? req.body : JSON.stringify(req.body);
    if (Buffer.byteLength(text) > MAX_BODY_BYTES) throw tooLarge();
    return text;
  }
  // What is left of a body that is too long must not take the connection of the answer along.
  return gather(req.iterator({ destroyOnReturn: false }));
}

/** @param {string} url @returns {{ path: string, query: URLSearchParams }} */
function split(url) {
  const at = url.indexOf('?');
  if (at < 0) return { path: url, query: new URLSearchParams() };
  return { path: url.slice(0, at), query: new URLSearchParams(url.slice(at + 1)) };
}

/** @param {any} req an http.IncomingMessage, perhaps of a framework @returns {Asked} */
function fromNode(req) {
  const header = (/** @type {string} */ name) => {
    const value = req.headers[name];
    return value === undefined ? null : String(value);
  };
  return {
    method: req.method,
    ...split(req.originalUrl ?? req.url),
    header,
    isEncrypted: req.socket?.encrypted === true,
    original: req,
    readBody: () => bodyOfNode(req),
  };
}

/** @param {Request} request @returns {Asked} */
function fromFetch(request) {
  const url = new URL(request.url);
  return {
    method: request.method,
    path: url.pathname,
    query: url.searchParams,
    // A Request need not have one.
    header: (name) => request.headers.get(name) ?? (name === 'host' ? url.host : null),
    isEncrypted: url.protocol === 'https:',
    original: request,
    readBody: () => gather(/** @type {any} */ (request.body ?? [])),
  };
}

/** @param {Answer} answer */
function headersOf(answer) {
  return { ...HEADERS, ...answer.headers };
}

/** @param {any} req @param {any} res @param {Answer} answer */
function toNode(req, res, answer) {
  const isLast = answer.status === 413 && req.httpVersionMajor < 2;
  res.writeHead(answer.status, { ...headersOf(answer), ...(isLast && { connection: 'close' }) });
  if (answer.stream === undefined || req.method === 'HEAD') {
    res.end(req.method === 'HEAD' ? undefined : answer.body);
    return;
  }
  res.flushHeaders();
  answer.stream({
    write: (text) => void res.write(text),
    isFull: () => res.writableNeedDrain,
    end: () => void res.end(),
    onClose: (closed) => void (res.destroyed ? closed() : res.once('close', closed)),
  });
}

/** @param {Request} request @param {Answer} answer */
function toFetch(request, answer) {
  const init = { status: answer.status, headers: headersOf(answer) };
  const { stream } = answer;
  if (request.method === 'HEAD') return new Response(null, init);
  if (stream === undefined) return new Response(/** @type {any} */ (answer.body ?? null), init);
  return new Response(streamed(request, stream), init);
}

/** @param {Request} request @param {(sink: Sink) => void} stream */
function streamed(request, stream) {
  /** @type {(() => void)[]} */
  const closed = [];
  let isOpen = true;
  const close = () => {
    if (!isOpen) return;
    isOpen = false;
    for (const each of closed) each();
  };
  request.signal?.addEventListener('abort', close, { once: true });
  const encoder = new TextEncoder();
  return new ReadableStream(
    {
      start(controller) {
        stream({
          write: (text) => void (isOpen && controller.enqueue(encoder.encode(text))),
          isFull: () => (controller.desiredSize ?? 0) <= 0,
          end() {
            if (isOpen) controller.close();
            close();
          },
          onClose: (each) => void closed.push(each),
        });
      },
      cancel: close,
    },
    { highWaterMark: 4 },
  );
}

module.exports = { fromFetch, fromNode, json, toFetch, toNode };
