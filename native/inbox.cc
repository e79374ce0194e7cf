#include "inbox.h"

#include <new>

namespace duroxide {

Inbox *Inbox::Open(napi_env env, const duroxide_engine *engine, napi_value on_wake,
                   napi_value words) {
  Inbox *inbox = new (std::nothrow) Inbox(env, engine);
  napi_value name;
  napi_typedarray_type type;
  size_t count = 0;
  void *memory = nullptr;
  if (inbox == nullptr ||
      napi_get_typedarray_info(env, words, &type, &count, &memory, nullptr, nullptr) != napi_ok ||
      type != napi_int32_array || napi_create_reference(env, words, 1, &inbox->words_) != napi_ok ||
      napi_create_string_utf8(env, "duroxide", NAPI_AUTO_LENGTH, &name) != napi_ok ||
      napi_create_threadsafe_function(env, on_wake, nullptr, name, 0, 1, inbox, Finalize, inbox,
                                      CallJavaScript, &inbox->wake_) != napi_ok) {
    delete inbox;
    napi_throw_error(env, "INTERNAL", "the inbox cannot be made");
    return nullptr;
  }
  napi_unref_threadsafe_function(env, inbox->wake_);
  inbox->hooked_ = napi_add_env_cleanup_hook(env, CleanUp, inbox) == napi_ok;
  inbox->host_ =
      engine->open_host(Wake, inbox, static_cast<int32_t *>(memory), static_cast<uint32_t>(count));
  return inbox;
}

void Inbox::Close() {
  if (closed_) return;
  closed_ = true;
  engine_->close_host(host_);
  napi_delete_reference(env_, words_);
  napi_release_threadsafe_function(wake_, napi_tsfn_abort);
}

void Inbox::Hold(bool hold) {
  if (closed_) return;
  if (hold) {
    napi_ref_threadsafe_function(env_, wake_);
  } else {
    napi_unref_threadsafe_function(env_, wake_);
  }
}

void Inbox::Wake(void *context) {
  // The queue has no bound, so this neither blocks nor fails before the host is closed.
  napi_call_threadsafe_function(static_cast<Inbox *>(context)->wake_, nullptr,
                                napi_tsfn_nonblocking);
}

void Inbox::CallJavaScript(napi_env env, napi_value on_wake, void *context, void * /*data*/) {
  if (env == nullptr || on_wake == nullptr || static_cast<Inbox *>(context)->closed_) return;
  napi_value undefined;
  napi_get_undefined(env, &undefined);
  if (napi_call_function(env, undefined, on_wake, 0, nullptr, nullptr) != napi_pending_exception) {
    return;
  }
  // Node would swallow it, and goroutines would wait for ever.
  napi_value exception;
  napi_get_and_clear_last_exception(env, &exception);
  napi_fatal_exception(env, exception);
}

void Inbox::CleanUp(void *context) {
  Inbox *inbox = static_cast<Inbox *>(context);
  inbox->hooked_ = false;
  inbox->Close();
}

void Inbox::Finalize(napi_env env, void *context, void * /*hint*/) {
  Inbox *inbox = static_cast<Inbox *>(context);
  if (!inbox->closed_) {
    inbox->closed_ = true;
    inbox->engine_->close_host(inbox->host_);
    napi_delete_reference(env, inbox->words_);
  }
  if (inbox->hooked_) napi_remove_env_cleanup_hook(env, CleanUp, inbox);
  delete inbox;
}

}  // namespace duroxide
