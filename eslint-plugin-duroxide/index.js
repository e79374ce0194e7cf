'use strict';

/** Rules for ESLint: what gives another answer in each replay of an orchestration. */

const CLOCK = 'yield ctx.utcNow()';
const TIMER = 'yield ctx.scheduleTimer(ms)';
const ACTIVITY = 'an activity';
const GUID = 'yield ctx.newGuid()';

/** By what is called, as it is written, what to use instead. The same as what determinismGuard knows. */
const CALLS = new Map([
  ['Date', `new Date(${CLOCK})`],
  ['Date.now', CLOCK],
  ['Math.random', `${GUID}, or ${ACTIVITY}`],
  ['crypto.randomUUID', GUID],
  ['randomUUID', GUID],
  ['fetch', ACTIVITY],
  ['setTimeout', TIMER],
  ['setInterval', TIMER],
  ['setImmediate', TIMER],
]);

/** The methods of a context that give a task: alone in a statement nobody waits for it. */
const TASKS =
  /^(schedule[A-Z]\w*|waitForEvent(Typed)?|dequeueEvent(Typed)?|continueAsNew\w*|newGuid|utcNow|run)$/;

/** @param {any} node */
const isFunction = (node) => /Function(Declaration|Expression)$/.test(node.type);

/** Whether a function is the code of an inline activity. @param {any} node */
const isInline = (node) =>
  node.parent.type === 'CallExpression' &&
  node.parent.arguments[1] === node &&
  nameOf(node.parent.callee) === 'ctx.run';

/** Gives the context of the orchestration that a node is in, or null. @param {any} node @returns {string | null} */
function contextOf(node) {
  for (let at = node.parent; at; at = at.parent) {
    if (isFunction(at) && isInline(at)) return null;
    const first = isFunction(at) && at.generator ? at.params[0] : undefined;
    if (first?.type === 'Identifier' && first.name === 'ctx') return first.name;
  }
  return null;
}

/** Gives what is called as it is written, as far as the rules know it. @param {any} callee */
function nameOf(callee) {
  if (callee.type === 'Identifier') return callee.name;
  if (callee.type !== 'MemberExpression' || callee.computed) return '';
  const { object, property } = callee;
  if (object.type === 'Identifier') {
    return object.name === 'globalThis' ? property.name : `${object.name}.${property.name}`;
  }
  return object.type === 'MemberExpression' && object.object.name === 'globalThis'
    ? `${object.property.name}.${property.name}`
    : '';
}

/** Whether a name means something of the file, and not the global. @param {any} context @param {any} node @param {string} name */
function isOwn(context, node, name) {
  const first = name.split('.')[0];
  for (let scope = context.sourceCode.getScope(node); scope; scope = scope.upper) {
    const variable = scope.set.get(first);
    if (variable?.defs.length > 0) {
      return variable.defs.every((/** @type {any} */ { type, node: def, parent }) => {
        const from = parent?.source?.value ?? def.init?.arguments?.[0]?.value ?? '';
        return !(type === 'ImportBinding' || def.init) || !/^(node:)?crypto$/.test(from);
      });
    }
  }
  return false;
}

const deterministic = {
  meta: {
    type: 'problem',
    docs: { description: 'orchestrations call nothing that gives another answer in each replay' },
    schema: [],
    messages: { other: '{{what}} gives another answer in each replay; use {{instead}} instead' },
  },
  /** @param {any} context */
  create(context) {
    /** @param {any} node @param {string} what @param {string | undefined} instead */
    const report = (node, what, instead) => {
      const name = nameOf(node.callee);
      if (instead === undefined || contextOf(node) === null || isOwn(context, node, name)) return;
      context.report({ node, messageId: 'other', data: { what, instead } });
    };
    return {
      /** @param {any} node */
      CallExpression(node) {
        const name = nameOf(node.callee);
        report(node, `${name}()`, CALLS.get(name));
      },
      /** @param {any} node */
      NewExpression(node) {
        if (nameOf(node.callee) === 'Date' && node.arguments.length === 0) {
          report(node, 'new Date()', CALLS.get('Date'));
        }
      },
    };
  },
};

const waited = {
  meta: {
    type: 'problem',
    docs: { description: 'what an orchestration asks for is waited for, or kept' },
    schema: [],
    messages: { lost: 'nobody waits for {{what}}(…): write yield before it, or keep the task' },
  },
  /** @param {any} context */
  create(context) {
    return {
      /** @param {any} node */
      ExpressionStatement({ expression: node }) {
        if (node.type !== 'CallExpression' || contextOf(node) === null) return;
        const [object, method = ''] = nameOf(node.callee).split('.');
        if (object !== 'ctx' || !TASKS.test(method)) return;
        context.report({ node, messageId: 'lost', data: { what: `ctx.${method}` } });
      },
    };
  },
};

/** @type {any} */
const plugin = {
  meta: { name: 'eslint-plugin-duroxide', version: require('./package.json').version },
  rules: { deterministic, waited },
  configs: {},
};

plugin.configs.recommended = {
  plugins: { duroxide: plugin },
  rules: { 'duroxide/deterministic': 'error', 'duroxide/waited': 'error' },
};

module.exports = plugin;
