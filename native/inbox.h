// One host: a Node environment as the engine knows it.
#ifndef DUROXIDE_NATIVE_INBOX_H_
#define DUROXIDE_NATIVE_INBOX_H_

#include <node_api.h>

#include <cstdint>

#include "../bridge/duroxide.h"

namespace duroxide {

// The only pointers of ours that the engine keeps are that to an Inbox and that to the words, until
// the host is closed.
//
// Lifetime, in the order of a teardown:
//   1. The cleanup hook closes the host. It was added after the threadsafe function was made, so it
//      runs before that function's own hook; from then on the engine does not call wake.
//   2. It aborts the threadsafe function.
//   3. That function's finalizer deletes the Inbox, and closes the host if nobody has.
class Inbox {
 public:
  // Opens a host whose records are announced by calling on_wake without arguments. words is an
  // Int32Array on shared memory. Null, with an exception pending, if Node-API refuses.
  static Inbox *Open(napi_env env, const duroxide_engine *engine, napi_value on_wake,
                     napi_value words);

  Inbox(const Inbox &) = delete;
  Inbox &operator=(const Inbox &) = delete;

  // Closes the host; the Inbox must not be used afterwards.
  void Close();

  // Whether records that may come keep the event loop alive. They do not at first.
  void Hold(bool hold);

  uint64_t host() const { return host_; }
  const duroxide_engine *engine() const { return engine_; }

 private:
  Inbox(napi_env env, const duroxide_engine *engine) : env_(env), engine_(engine) {}
  ~Inbox() = default;

  // Called by the engine, on any of its threads.
  static void Wake(void *context);
  // Called on the JavaScript thread, some time after Wake.
  static void CallJavaScript(napi_env env, napi_value on_wake, void *context, void *data);
  static void CleanUp(void *context);
  static void Finalize(napi_env env, void *context, void *hint);

  const napi_env env_;
  const duroxide_engine *const engine_;
  napi_threadsafe_function wake_ = nullptr;
  napi_ref words_ = nullptr;  // keeps the memory while the host is open
  uint64_t host_ = 0;
  bool closed_ = false;
  bool hooked_ = false;
};

}  // namespace duroxide

#endif  // DUROXIDE_NATIVE_INBOX_H_
