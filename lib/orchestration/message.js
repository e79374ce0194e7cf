'use strict';

/** A message of a queue, which may be answered. Its documentation is in index.d.ts. */
class Message {
  #context;

  /**
   * @param {{ reply(token: string, value: unknown): void, rejectRequest(token: string, error: unknown): void }} context
   * @param {unknown} data
   * @param {string | null} replyTo
   */
  constructor(context, data, replyTo) {
    this.#context = context;
    this.data = data;
    this.replyTo = replyTo;
    Object.freeze(this);
  }

  /** @param {unknown} [value] */
  reply(value) {
    if (this.replyTo !== null) this.#context.reply(this.replyTo, value);
  }

  /** @param {unknown} error */
  reject(error) {
    if (this.replyTo !== null) this.#context.rejectRequest(this.replyTo, error);
  }
}

module.exports = { Message };
