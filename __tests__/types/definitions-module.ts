/** A module as Runtime.register takes it: definitions, code, and whatever else. */

import { defineActivity, defineOrchestration } from '../../index';

export const Ship = defineOrchestration<string, boolean>('Ship');
export const shipCode = Ship.implement(function* (ctx, id) {
  return (yield* ctx.scheduleActivity(pack, id)) > 0;
});
export const pack = defineActivity('pack', (_ctx, id: string) => id.length);
export const limit = 5;
export function helper(): void {}
