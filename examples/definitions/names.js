'use strict';

/** What the parts of a shop may say to each other: names, and in TypeScript types. No code. */

const { defineActivity, defineEvent, defineOrchestration, defineQueue } = require('duroxide');

module.exports = {
  Order: defineOrchestration('Order'), //   <Item[], Receipt>
  Items: defineQueue('items'), //           <Item>
  Approved: defineEvent('approved'), //     <{ by: string }>
  charge: defineActivity('charge'), //      <Item[], number>
};
