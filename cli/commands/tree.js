'use strict';

const { readStore, storeCommand } = require('../store.js');
const { visible } = require('../visible.js');
const { stateOf } = require('./list.js');

/** @param {import('commander').Command} program */
function tree(program) {
  storeCommand(program, 'tree <id>', 'shows an instance with its children, and theirs').action(
    (id, options) =>
      readStore(options, async ({ client, out }) => {
        const { allIds } = await client.getInstanceTree(id);
        const infos = [];
        for (const one of allIds) {
          const info = await found(client.getInstanceInfo(one, { parsed: true }));
          if (info !== null) infos.push(info);
        }
        out.result(nested(id, infos), (root) => draw(root, out));
      }),
  );
}

/**
 * Null where it was deleted meanwhile.
 *
 * @template T
 * @param {Promise<T>} asked
 */
async function found(asked) {
  try {
    return await asked;
  } catch (error) {
    if (/** @type {any} */ (error).code === 'INSTANCE_NOT_FOUND') return null;
    throw error;
  }
}

/** @typedef {import('duroxide').InstanceInfo & { children: Node[] }} Node */

/**
 * @param {string} id
 * @param {import('duroxide').InstanceInfo[]} infos
 * @returns {Node | undefined}
 */
function nested(id, infos) {
  const nodes = new Map(infos.map((info) => [info.instanceId, { ...info, children: [] }]));
  for (const node of nodes.values()) {
    const parent = /** @type {Node | undefined} */ (nodes.get(node.parentInstanceId ?? ''));
    if (node.instanceId !== id) parent?.children.push(node);
  }
  return nodes.get(id);
}

/**
 * @param {Node | undefined} node
 * @param {import('../output.js').Out} out
 * @param {string} [first] what stands before the node
 * @param {string} [rest] what stands before what is below it
 */
function draw(node, out, first = '', rest = '') {
  if (node === undefined) return;
  const { instanceId, orchestrationName, children, error } = node;
  const why = error === undefined ? '' : `: ${visible(error)}`;
  const status = out.paint(stateOf(node), node.status === 'Failed' ? 'red' : undefined);
  out.line(`${first}${visible(instanceId)}  ${visible(orchestrationName)}  ${status}${why}`);
  for (const [i, child] of children.entries()) {
    const isLast = i === children.length - 1;
    draw(child, out, `${rest}${isLast ? '└─ ' : '├─ '}`, `${rest}${isLast ? '   ' : '│  '}`);
  }
}

module.exports = { tree };
