// The C interface between the engine (a Go library) and the shim (a Node-API addon). Written by
// hand and included by both, so that a signature that differs does not compile.
//
// Who owns what. Neither side keeps a pointer into the other's memory beyond a call, except the
// wake function with its context and the words, which the engine keeps until close_host has
// returned. Nothing is freed across the border: results go into buffers of the caller.
//
// Threads. open_host, exchange, call and close_host of one host are called on one thread, one at
// a time. wake is called on any thread, never after close_host has returned, and only posts.
#ifndef DUROXIDE_H
#define DUROXIDE_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define DUROXIDE_INTERFACE_VERSION 2

// Results of exchange and call that are no lengths and no capacities.
#define DUROXIDE_GONE (-1)
#define DUROXIDE_FAULT (-2)

// Memory that the callee only reads.
typedef const uint8_t duroxide_input;

// Tells the host that records wait for it.
typedef void (*duroxide_wake)(void *context);

typedef struct duroxide_engine {
  uint32_t interface_version;
  uint32_t size;

  // Opens a host and gives its number, never zero. words is memory of count integers, all zero,
  // that both sides change atomically while the host is open (bridge/words.go), or null.
  uint64_t (*open_host)(duroxide_wake wake, void *context, int32_t *words, uint32_t count);

  // Ends a host: its waiters fail, its runtimes are let go. Gives the number of failed waiters.
  // When it returns, wake is not called any more. Closing twice is harmless.
  int64_t (*close_host)(uint64_t host);

  // Takes the frame in out (length zero: none), then, if most is above zero, writes a frame of at
  // most that many records to in. Gives the number of bytes written; zero means that nothing waits
  // and the next record will wake the host; below DUROXIDE_FAULT it is the capacity that the
  // next record needs, negated: out has been taken, and the call is repeated without it.
  int64_t (*exchange)(uint64_t host, duroxide_input *out, uint64_t out_length, uint8_t *in,
                      uint64_t in_capacity, uint32_t most);

  // Runs one synchronous operation, on memory only. Gives a number, or the length of the text that
  // it wrote to result; a length above the capacity means that nothing was written.
  int64_t (*call)(uint64_t host, uint32_t operation, uint64_t token, uint64_t number,
                  duroxide_input *text, uint64_t text_length, uint8_t *result, uint64_t capacity);

  // Gives the version of the engine, as call gives a text.
  int64_t (*version)(uint8_t *result, uint64_t capacity);
} duroxide_engine;

// The one symbol that the shim looks up.
typedef const duroxide_engine *(*duroxide_get_engine_function)(void);
#define DUROXIDE_GET_ENGINE "duroxide_get_engine"

#ifdef __cplusplus
}
#endif

#endif  // DUROXIDE_H
